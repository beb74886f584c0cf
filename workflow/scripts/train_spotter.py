"""Train the spotter of every arm, seed by seed, on the training matches."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.systems.highlights.context import Fitted
from unmuted.systems.highlights.fits import digests, load_steps, training_clips, training_folds
from unmuted.systems.highlights.training_job import train


def main(job: Job) -> None:
    """Bring the spotters of the job's seeds up to date; they read training recordings only.

    In seed mode, where clips and not matches are split, these are recordings of all splits.
    """
    experiment, fitted = load_steps(job), Fitted.of(job)
    clips = training_clips(experiment, job.config["highlights"]["split_by_clip"])
    folds = training_folds(experiment, job.config["folds"])
    read = digests(clips)
    inputs = {
        seed: inputs_by_seed(
            [seed],
            {
                arm: {"clips": read, "fits": fitted.digests(seed), "folds": sorted(folds.items())}
                for arm in job.config["highlights"]["arms"]
            },
        )[seed]
        for seed in job.job_seeds
    }
    job.run_seeds(inputs, partial(train, clips=clips, fitted=fitted, folds=folds, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
