"""Extract AST features and AudioSet label scores of the sound of every video of a shard."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.wav import read_wav_file
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """Tokens (T, D), label scores and logits (527,) per task; nothing for a silent clip."""
    import numpy as np

    from unmuted.features.ast import AstFeatures
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec("ast")
    device = use_device(project.config["device"], threads)
    model = AstFeatures(spec, device, pick_dtype(device, spec.dtype))
    for task in tasks:
        wav = task.inputs["wav"]
        if wav.row.status == "silent":
            yield Outcome(task.name, None, wav.row.status, wav.row.reason)
            continue
        found = model.extract(read_wav_file(wav.checked_path())[0], project.time_steps)
        mode = np.frombuffer(found.mode.encode(), dtype=np.uint8)  # how the sound was passed
        arrays = {"tokens": found.tokens, "scores": found.scores, "logits": found.logits}
        yield Outcome(task.name, {**arrays, "mode": mode})


def main(config: Mapping[str, object], shard: str, threads: int) -> None:
    """Bring the AST features of one shard up to date."""
    project = Project(config)
    project.run_shard("ast", shard, partial(extract, project=project, threads=threads))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(snakemake.config, snakemake.wildcards.shard, snakemake.threads)
