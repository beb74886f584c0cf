"""Predict every video's class with each of the comparison's classifiers, its sound there or not."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import FULL, load_clips
from unmuted.samples.swap_partners import FIT, read_partners
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.prediction_job import clip_inputs, predict_shard


def main(job: Job) -> None:
    """Bring the comparison's predictions of one shard up to date."""
    chosen = chosen_arms(job.config)
    stages = (*chosen.audio, *chosen.posterior, *chosen.noise)
    read = {
        "clips": {clip.video_id: clip for clip in load_clips(job, job.videos, stages)},
        "partners": read_partners(job, job.fits("swap_partners")[FIT]) if chosen.swaps else {},
        "classifiers": job.fits_by_seed("comparison_classifier"),
        "selection": job.fits("comparison_selection")["all"],
        "pca": job.fits("projection")[FULL],
    }
    job.run_shard(partial(predict_shard, job=job, **read), clip_inputs(job=job, **read))


if "snakemake" in globals():
    run_job(snakemake, main)
