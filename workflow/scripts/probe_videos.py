"""Look at the source videos of a shard without decoding them: streams, duration, content digest."""

from functools import partial

from unmuted.engine.job import Job
from unmuted.engine.sharded_dataset import RESULTS
from unmuted.media.probe import video_limits
from unmuted.media.source import source_content
from unmuted.media.source_digests import SourceDigests
from unmuted.pipeline.jobs.probe import look
from unmuted.pipeline.registry import run_job


def main(job: Job) -> None:
    """Bring the probes of one shard up to date."""
    videos = job.config["videos"]
    follow, limits = videos["follow_links"], video_limits(job.config)
    contents = {}
    if not job.is_generated:
        with SourceDigests(RESULTS / ".sources" / f"{job.partition}.json") as digests:
            contents = {
                name: source_content(video, follow, limits.max_bytes, digests.digest)
                for name, video in job.videos.items()
            }
    compute = partial(look, limits=limits, follow_links=follow, contents=contents)
    job.run_shard(compute, contents)


if "snakemake" in globals():
    run_job(snakemake, main)
