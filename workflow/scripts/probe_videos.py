"""Look at the source videos of a shard without decoding them: streams, duration, content digest."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits, probe, video_limits
from unmuted.media.source import source_content, source_path
from unmuted.pipeline.registry import run_job


def look(
    tasks: Sequence[Task], limits: Limits, follow_links: bool, contents: Mapping[str, str]
) -> Iterator[Result]:
    """One probe per task, with the digest of the file's bytes.

    contents: that digest by video id, of the files of users; the artifact of a generated video has
    its own.
    """
    for task in tasks:
        try:
            path = source_path(task, follow_links)
            found = probe(path, limits).as_json()
        except MediaError as error:
            yield Result(task.name, None, error.status, error.reason)
        else:
            digest = contents.get(task.name) or task.inputs["clips"].row.digest
            yield Result(task.name, {**found, "digest": digest})


def main(job: Job) -> None:
    """Bring the probes of one shard up to date."""
    videos = job.config["videos"]
    follow = videos["follow_links"]
    contents = (
        {}
        if job.is_generated
        else {name: source_content(video, follow) for name, video in job.videos.items()}
    )
    compute = partial(look, limits=video_limits(videos), follow_links=follow, contents=contents)
    job.run_shard(compute, contents)


if "snakemake" in globals():
    run_job(snakemake, main)
