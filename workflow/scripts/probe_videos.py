"""Look at the source videos of a shard without decoding them: streams, duration, content digest."""

from collections.abc import Iterator, Sequence
from functools import partial

from unmuted.joblog import job_log
from unmuted.media.ffmpeg import MediaError
from unmuted.media.probe import Limits, probe
from unmuted.media.source import source_path
from unmuted.project import Project
from unmuted.recipes import digest_file
from unmuted.runner import Outcome, Task


def look(tasks: Sequence[Task], limits: Limits, follow_links: bool) -> Iterator[Outcome]:
    """One probe per task, with the digest of the file's bytes."""
    for task in tasks:
        try:
            path = source_path(task, follow_links)
            found = probe(path, limits).as_json()
        except MediaError as error:
            yield Outcome(task.name, None, error.status, error.reason)
        else:
            yield Outcome(task.name, {**found, "digest": digest_file(path)})


def main(project: Project, shard: str) -> None:
    """Bring the probes of one shard up to date."""
    videos = project.config["videos"]
    compute = partial(look, limits=project.limits, follow_links=videos["follow_links"])
    project.run_shard("probe", shard, compute, project.source_contents(shard))


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard)
