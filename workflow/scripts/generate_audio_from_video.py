"""Generate every video's audio features with architecture 1, training clips out of fold."""

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.serving import serve_shard


def main(project: Project, shard: str, threads: int) -> None:
    """Bring architecture 1's audio of one shard up to date."""
    serve_shard(project, "video_generated", "video_generator", shard, threads)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
