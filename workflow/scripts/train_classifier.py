"""Train the classifier of each arm, seed by seed, on the training clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.seeds import inputs_by_seed
from unmuted.evaluation.arms import ARMS, MAIN_AUDIO
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.classifier.inputs import arm_digests
from unmuted.systems.classifier.training_job import train


def main(job: Job) -> None:
    """Bring the classifiers of the job's seeds up to date; they read training clips only."""
    experiment = load_experiment(job, MAIN_AUDIO)
    pca = job.fits("projection")[ALL_TRAINING]
    clips = experiment.split("train")
    read = {
        arm: {
            "classes": experiment.classes,
            "clips": sorted([clip.label, *arm_digests(arm, clip, pca)] for clip in clips),
        }
        for arm in ARMS
    }
    inputs = inputs_by_seed(job.job_seeds, read)
    job.run_seeds(inputs, partial(train, experiment=experiment, job=job, pca=pca))


if "snakemake" in globals():
    run_job(snakemake, main)
