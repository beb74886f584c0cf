"""Collect steps of training matches whose sound can stand in for sound that is missing."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.highlights.bank_job import build
from unmuted.systems.highlights.fits import digests, load_steps, only, with_sound


def main(job: Job) -> None:
    """Bring the bank up to date; it reads recordings with sound that fits may read."""
    clips = with_sound(load_steps(job).clips_for_fits())
    projection = only(job, "step_projection")
    inputs = {"clips": digests(clips), "projection": projection.row.digest}
    job.run_fits({ONLY_FIT: inputs}, partial(build, clips=clips, projection=projection, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
