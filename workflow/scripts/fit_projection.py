"""Fit the audio feature space: a PCA of AST's tokens over the training clips with sound."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, Clip, load_experiment, training_sound
from unmuted.systems.shared.projection import fit_projection


def fit(tasks: Sequence[Task], clips: Sequence[Clip], audio_dim: int) -> Iterator[Result]:
    """Mean (D,), components (A, D) and explained share (A,)."""
    for task in tasks:
        tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in clips)
        yield Result(task.name, dict(vars(fit_projection(tokens, audio_dim))))


def main(job: Job) -> None:
    """Bring the projection up to date; it reads training clips only."""
    clips = training_sound(job, load_experiment(job, ["ast"]))
    inputs = [clip.digests("ast") for clip in clips]
    compute = partial(fit, clips=clips, audio_dim=job.config["audio_dim"])
    job.run_fits({FULL: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
