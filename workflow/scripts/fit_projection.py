"""Fit the audio projection: a PCA of AST's tokens over the training clips with sound."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment, training_sound
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.shared.projection_job import fit


def main(job: Job) -> None:
    """Bring the projection up to date; it reads training clips only."""
    clips = training_sound(job, load_experiment(job, ["ast"]))
    inputs = [clip.digests("ast") for clip in clips]
    compute = partial(fit, clips=clips, audio_dim=job.config["audio_dim"])
    job.run_fits({ALL_TRAINING: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
