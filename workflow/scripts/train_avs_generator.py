"""Train the generators of audio from pictures for audio-visual segmentation."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.systems.segmentation.fitted import (
    Fitted,
    digests,
    has_sound,
    in_order,
    load_seconds,
)
from unmuted.systems.segmentation.fitting_jobs import clips_of_folds, train_generators


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date, one for each fold of training sources."""
    experiment, fitted = load_seconds(job), Fitted.of(job)
    fits = clips_of_folds(experiment, job.config["folds"])
    validation = in_order([clip for clip in experiment.split("val") if has_sound(clip)])
    read = {
        name: {"clips": digests(clips), "val": digests(validation), "fits": fitted.digests()}
        for name, clips in fits.items()
    }
    job.run_seeds(
        inputs_by_seed(job.job_seeds, read),
        partial(
            train_generators, clips_of_fits=fits, validation=validation, fitted=fitted, job=job
        ),
    )


if "snakemake" in globals():
    run_job(snakemake, main)
