"""Copy one artifact of one video to results/by_video/, checked against its ledger."""

import shutil
from pathlib import Path

from unmuted.artifacts import atomic
from unmuted.errors import UserError
from unmuted.joblog import job_log
from unmuted.ledger import read_rows
from unmuted.project import Project
from unmuted.stages import BY_VIDEO


def main(project: Project, video_id: str, name: str, target: str) -> None:
    """Copy the artifact; raises UserError with the ledger's reason when the video has none."""
    stage, shard = BY_VIDEO[name], project.require_shard(video_id)
    rows = read_rows(project.ledger(stage, shard))
    artifact = project.artifact(stage, video_id, rows, shard)
    if not artifact.row.has_artifact:
        raise UserError(
            f"{video_id} has no {name}: {artifact.row.status} {artifact.row.reason} "
            f"(see {project.ledger(stage, shard)})"
        )
    with atomic(Path(target)) as temporary:
        shutil.copyfile(artifact.checked_path(), temporary)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(
            Project.of_job(snakemake.config),
            snakemake.wildcards.video,
            snakemake.wildcards.artifact,
            snakemake.output[0],
        )
