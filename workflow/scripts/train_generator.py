"""Train the generators of audio features, seed by seed: on all clips, and without each fold."""

from functools import partial

from unmuted.config.derived import trains_sentences
from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, fit_units, load_experiment
from unmuted.systems.arch2.training_job import train, unit_inputs


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; they read training clips only."""
    stages = ["ast", "captions"] if trains_sentences(job.config) else ["ast"]
    units = fit_units(load_experiment(job, stages), job.config["folds"])
    fits = {
        "labels": job.fits("label_embeddings")["all"],
        "pca": job.fits("projection")[FULL],
        "prototypes": job.fits("prototypes"),
    }
    inputs = inputs_by_seed(job.job_seeds, unit_inputs(units, stages, **fits))
    job.run_seeds(inputs, partial(train, units=units, job=job, **fits))


if "snakemake" in globals():
    run_job(snakemake, main)
