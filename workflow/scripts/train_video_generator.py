"""Train architecture 1's generators, seed by seed: without each fold, and on all clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import clips_of_generators, load_experiment, validation_sound
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.arch1.training_job import inputs_of_fits, train


def main(job: Job) -> None:
    """Bring the generators of the job's seeds up to date; validation clips choose checkpoints."""
    experiment = load_experiment(job, ["ast"])
    clips = clips_of_generators(experiment, job.config["folds"], job.config["generator"]["serve"])
    validation = validation_sound(experiment)
    pca = job.fits("projection")[ALL_TRAINING]
    inputs = inputs_by_seed(job.job_seeds, inputs_of_fits(clips, validation, pca))
    compute = partial(train, clips_of_fits=clips, validation=validation, job=job, pca=pca)
    job.run_seeds(inputs, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
