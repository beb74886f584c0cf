"""Predict the AudioSet labels of each video's generated audio, and their similarity to actions."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.arch1.label_prediction_job import predict


def main(job: Job) -> None:
    """Bring the predicted labels of one shard up to date."""
    clips = load_clips(job, job.videos, ["video_generated", "ast"])
    pca = job.fits("projection")[ALL_TRAINING]
    dictionary = job.fits("dictionary")[ONLY_FIT]
    fitted = [pca.row.digest, dictionary.row.digest]
    compute = partial(
        predict,
        clips={clip.video_id: clip for clip in clips},
        job=job,
        pca=pca,
        dictionary=dictionary,
    )
    extra = {clip.video_id: [fitted, clip.has_sound] for clip in clips}
    job.run_shard(compute, extra)


if "snakemake" in globals():
    run_job(snakemake, main)
