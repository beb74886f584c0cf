"""Train the generators of missing sound, seed by seed, each without a fold of the matches."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.fits import (
    clips_of_folds,
    digests,
    load_steps,
    only,
    validation_with_sound,
)
from unmuted.systems.highlights.generator_job import train


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; validation chooses their checkpoints."""
    experiment, projection = load_steps(job), only(job, "step_projection")
    clips_of_fits = clips_of_folds(experiment, job.config["folds"])
    validation = validation_with_sound(experiment)
    shared = {"projection": projection.row.digest, "validation": digests(validation)}
    read = {fit: {"clips": digests(clips), **shared} for fit, clips in clips_of_fits.items()}
    compute = partial(
        train,
        clips_of_fits=clips_of_fits,
        validation=validation,
        projection=projection,
        job=job,
    )
    job.run_seeds(inputs_by_seed(job.job_seeds, read), compute)


if "snakemake" in globals():
    run_job(snakemake, main)
