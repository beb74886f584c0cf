"""Predict every video's class with the comparison's classifiers, with and without its sound."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import load_clips
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.samples.swap_partners import read_partners
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.degraded_sound import read_real_audio
from unmuted.systems.comparison.prediction_job import clip_inputs, predict_shard


def main(job: Job) -> None:
    """Bring the comparison's predictions of one shard up to date."""
    chosen = chosen_arms(job.config)
    stages = (*chosen.audio, *chosen.posterior, *chosen.degraded)
    read = {
        "clips": {clip.video_id: clip for clip in load_clips(job, job.videos, stages)},
        "partners": read_partners(job, job.fits("swap_partners")[ONLY_FIT]) if chosen.swaps else {},
        "classifiers": job.fits_by_seed("comparison_classifier"),
        "selection": job.fits("comparison_selection")[ONLY_FIT],
        "real": read_real_audio(job) if chosen.degraded else None,
        "pca": job.fits("projection")[ALL_TRAINING],
    }
    job.run_shard(partial(predict_shard, job=job, **read), clip_inputs(job=job, **read))


if "snakemake" in globals():
    run_job(snakemake, main)
