"""Extract AST features and AudioSet label scores of the sound of every video of a shard."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.artifacts import text_array
from unmuted.features.silent import part_silent
from unmuted.joblog import job_log
from unmuted.media.wav import read_wav_file
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def extract(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    """Tokens (T, D), label scores and logits (527,) per task; nothing for a silent clip."""
    silent, sounding = part_silent(tasks)
    yield from silent
    if sounding:  # else no model is loaded
        yield from _extract_sounding(sounding, project, threads)


def _extract_sounding(tasks: Sequence[Task], project: Project, threads: int) -> Iterator[Outcome]:
    from unmuted.features.ast import AstFeatures
    from unmuted.features.device import pick_dtype, use_device

    spec = project.model_spec("ast")
    device = use_device(project.config["device"], threads)
    dtype = pick_dtype(device, spec.dtype)
    settings = project.config["ast"]
    model = AstFeatures(spec, device, dtype, settings["batch_size"])
    sounds = ((task.name, read_wav_file(task.inputs["wav"].checked_path())[0]) for task in tasks)
    per_step = settings["passes"] == "per_step"
    for name, found in model.extract_clips(sounds, project.time_steps, per_step):
        arrays = {"tokens": found.tokens, "scores": found.scores, "logits": found.logits}
        how = {"mode": text_array(found.mode), "dtype": text_array(dtype)}
        yield Outcome(name, {**arrays, **how})


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the AST features of one shard up to date."""
    project.run_shard("ast", shard, partial(extract, project=project, threads=threads))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
