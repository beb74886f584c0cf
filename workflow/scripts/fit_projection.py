"""Fit the audio feature space: a PCA of AST's tokens over the training clips with sound."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.experiment import FULL, Clip, load_experiment, training_sound
from unmuted.generation.projection import fit_projection
from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.runner import Outcome, Task


def fit(tasks: Sequence[Task], clips: Sequence[Clip], audio_dim: int) -> Iterator[Outcome]:
    """Mean (D,), components (A, D) and explained share (A,)."""
    for task in tasks:
        tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in clips)
        yield Outcome(task.name, dict(vars(fit_projection(tokens, audio_dim))))


def main(project: Project) -> None:
    """Bring the projection up to date; it reads training clips only."""
    clips = training_sound(project, load_experiment(project, ["ast"]))
    inputs = [clip.digests("ast") for clip in clips]
    compute = partial(fit, clips=clips, audio_dim=project.config["audio_dim"])
    project.run_units("projection", {FULL: inputs}, compute)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project)
