"""Copy one artifact of one video to results/by_video/, checked against its ledger."""

import shutil
from pathlib import Path

from unmuted.engine.artifacts import atomic
from unmuted.engine.run import Run
from unmuted.errors import UserError
from unmuted.pipeline.registry import run_job


def main(run: Run, video: str, artifact: str, exported: str) -> None:
    """Copy an artifact; raises UserError with the ledger's reason when the video has none."""
    stage, shard = run.registry.exports[artifact], run.dataset.require_shard(video)
    found = run.store.artifact(stage, video, run.store.rows(stage, shard), shard)
    if not found.row.has_artifact:
        raise UserError(
            f"{video} has no {artifact}: {found.row.status} {found.row.reason} "
            f"(see {run.layout.ledger(stage, shard)})"
        )
    with atomic(Path(exported)) as temporary:
        shutil.copyfile(found.checked_path(), temporary)


if "snakemake" in globals():
    run_job(snakemake, main)
