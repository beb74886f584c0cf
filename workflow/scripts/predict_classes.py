"""Predict the class of every video of a shard, labelled or not, with every arm and seed."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.evaluation.arms import MAIN_AUDIO
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.classifier.prediction_job import predict_shard


def main(job: Job) -> None:
    """Bring the predictions of one shard up to date."""
    clips = load_clips(job, job.videos, MAIN_AUDIO)
    pca = job.fits("projection")[ALL_TRAINING]
    selection = job.fits("selection")[ONLY_FIT]
    classifiers = job.fits_by_seed("classifier")
    fitted = [
        pca.row.digest,
        selection.row.digest,
        [[artifact.row.digest for artifact in arms.values()] for arms in classifiers.values()],
        job.classes,  # a class that is only renamed leaves the classifiers as they are
    ]
    compute = partial(
        predict_shard,
        clips={clip.video_id: clip for clip in clips},
        job=job,
        classifiers=classifiers,
        selection=selection,
        pca=pca,
    )
    job.run_shard(compute, dict.fromkeys(job.videos, fitted))


if "snakemake" in globals():
    run_job(snakemake, main)
