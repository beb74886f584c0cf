"""Choose each classifier's checkpoint and the filters' percentiles on the validation clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.selection_job import choice_inputs, select


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips, and statistics of training sound."""
    chosen = chosen_arms(job.config)
    read = {
        "experiment": load_experiment(job, (*chosen.audio, *chosen.posterior)),
        "classifiers": job.fits_by_seed("comparison_classifier"),
        "pca": job.fits("projection")[ALL_TRAINING],
    }
    job.run_fits({ONLY_FIT: choice_inputs(job=job, **read)}, partial(select, job=job, **read))


if "snakemake" in globals():
    run_job(snakemake, main)
