"""Fit the projection of the sound of training videos for audio-visual segmentation."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.fitted import digests, load_seconds, with_sound
from unmuted.systems.segmentation.space_job import fit_space


def main(job: Job) -> None:
    """Bring the projection up to date; it reads training videos only."""
    clips = with_sound(load_seconds(job))
    job.run_fits({ONLY_FIT: {"clips": digests(clips)}}, partial(fit_space, clips=clips, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
