"""Generate the audio features of every video of a shard, training clips out of fold."""

from unmuted.joblog import job_log
from unmuted.project import Project
from unmuted.serving import serve_shard


def main(project: Project, shard: str, threads: int) -> None:
    """Bring the generated audio of one shard up to date."""
    serve_shard(project, "generated", "generator", shard, threads)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        project = Project.of_job(snakemake.config).variant(snakemake.wildcards.variant)
        main(project, snakemake.wildcards.shard, snakemake.threads)
