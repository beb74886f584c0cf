"""Choose the pilot's checkpoints, and the weight of its losses, by log-loss on validation clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.features.visual import PILOT_VISUAL
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import VIEWS, load_experiment
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.pilot.fits import CLASSIFICATION, candidate_weights, joint_fit
from unmuted.systems.pilot.selection_job import select


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips only."""
    experiment = load_experiment(job, PILOT_VISUAL)
    weights = candidate_weights(job.config["pilot"])
    read = (*(joint_fit(weight, ALL_TRAINING) for weight in weights), CLASSIFICATION)
    fits = {
        seed: {name: artifact for name, artifact in of_seed.items() if name in read}
        for seed, of_seed in job.fits_by_seed("pilot").items()
    }
    inputs = {
        "clips": sorted(
            [clip.label, *clip.digests(*VIEWS, *PILOT_VISUAL)] for clip in experiment.split("val")
        ),
        "fits": {
            seed: {name: artifact.row.digest for name, artifact in of_seed.items()}
            for seed, of_seed in fits.items()
        },
        "lambdas": weights,
    }
    compute = partial(select, experiment=experiment, fits=fits, job=job)
    job.run_fits({ONLY_FIT: inputs}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
