"""Train the pilot, seed by seed: with each weight of its losses, and each branch alone."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, load_experiment
from unmuted.systems.pilot.fits import (
    candidate_weights,
    has_ablations,
    pilot_units,
)
from unmuted.systems.pilot.training_job import train


def main(job: Job) -> None:
    """Bring the pilot of the job's seeds up to date; it reads training clips only."""
    experiment = load_experiment(job, ["ast", *PILOT_VISUAL])
    weights = candidate_weights(job.config["pilot"])
    units = pilot_units(experiment, weights, job.config["folds"], has_ablations(job))
    pca = job.fits("projection")[FULL]
    read = job.config["pilot"]["snapshots"], experiment.classes, pca
    inputs = {
        seed: {name: unit.inputs(seed, *read) for name, unit in units.items()}
        for seed in job.job_seeds
    }
    compute = partial(train, units=units, experiment=experiment, job=job, pca=pca)
    job.run_seeds(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
