"""Find the test videos whose sound is played in place of each other's."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.pipeline.registry import run_job
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.segmentation.fitted import digests, in_order, load_seconds
from unmuted.systems.segmentation.loading import TRUTH
from unmuted.systems.segmentation.partners_job import partner_table


def main(job: Job) -> None:
    """Bring the table of partners up to date."""
    experiment = load_seconds(job, TRUTH)
    clips = in_order([clip for clip in experiment.split("test") if TRUTH in clip.artifacts])
    names = sorted(clip.video_id for clip in clips)
    inputs = {"clips": digests(clips), "names": names}
    job.run_fits({ONLY_FIT: inputs}, partial(partner_table, clips=clips, job=job))


if "snakemake" in globals():
    run_job(snakemake, main)
