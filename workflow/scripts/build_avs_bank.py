"""Keep what the seconds of training videos look and sound like, to be looked up."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.context import Context
from unmuted.systems.segmentation.fitted import digests, load_seconds, with_sound
from unmuted.systems.segmentation.fitting_jobs import build_bank


def main(job: Job) -> None:
    """Bring the bank up to date; it reads training videos only."""
    clips = with_sound(load_seconds(job))
    compute = partial(build_bank, clips=clips, context=Context(job, None))
    job.run_fits({ONLY_FIT: {"clips": digests(clips)}}, compute)


if "snakemake" in globals():
    run_job(snakemake, main)
