"""Extract AST features and AudioSet label scores of the sound of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.artifacts import text_array
from unmuted.joblog import job_log
from unmuted.media.wav import read_wav_file
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """Tokens (T, D), label scores and logits (527,) per task; nothing for a silent clip."""
    from unmuted.features.ast import AstFeatures
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec("ast")
    device = use_device(project.config["device"], threads)
    dtype = pick_dtype(device, spec.dtype)
    model = AstFeatures(spec, device, dtype)
    per_step = project.config["ast"]["passes"] == "per_step"
    passed = model.extract_per_step if per_step else model.extract
    for task in tasks:
        wav = task.inputs["wav"]
        if wav.row.status == "silent":
            yield Outcome(task.name, None, wav.row.status, wav.row.reason)
            continue
        found = passed(read_wav_file(wav.checked_path())[0], project.time_steps)
        arrays = {"tokens": found.tokens, "scores": found.scores, "logits": found.logits}
        how = {"mode": text_array(found.mode), "dtype": text_array(dtype)}
        yield Outcome(task.name, {**arrays, **how})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the AST features of one shard up to date."""
    project.run_shard("ast", shard, partial(extract, project=project, threads=threads))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
