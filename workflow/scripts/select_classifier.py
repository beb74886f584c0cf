"""Choose the checkpoint of every classifier by its log-loss on the validation clips."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.evaluation.arms import ARMS, MAIN_AUDIO
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_experiment
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.classifier.inputs import arm_digests
from unmuted.systems.classifier.selection_job import select


def main(job: Job) -> None:
    """Bring the choice up to date; it reads validation clips only."""
    experiment = load_experiment(job, MAIN_AUDIO)
    pca = job.fits("projection")[ALL_TRAINING]
    classifiers = job.fits_by_seed("classifier")
    clips = experiment.split("val")
    inputs = {
        "clips": sorted(
            [clip.label, *(arm_digests(arm, clip, pca) for arm in ARMS)] for clip in clips
        ),
        "classifiers": {
            seed: {arm: artifact.row.digest for arm, artifact in arms.items()}
            for seed, arms in classifiers.items()
        },
    }
    read = {"experiment": experiment, "classifiers": classifiers, "pca": pca}
    job.run_fits({ONLY_FIT: inputs}, partial(select, job=job, **read))


if "snakemake" in globals():
    run_job(snakemake, main)
