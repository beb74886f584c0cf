"""Choose, on the validation clips, each classifier's checkpoint and what the filters reject."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, load_experiment
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.selection_job import choice_inputs, select


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips, and how training sound varies."""
    chosen = chosen_arms(job.config)
    read = {
        "experiment": load_experiment(job, (*chosen.audio, *chosen.posterior)),
        "classifiers": job.fits_by_seed("comparison_classifier"),
        "pca": job.fits("projection")[FULL],
    }
    job.run_fits({"all": choice_inputs(job=job, **read)}, partial(select, job=job, **read))


if "snakemake" in globals():
    run_job(snakemake, main)
