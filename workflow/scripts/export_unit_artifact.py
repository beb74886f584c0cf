"""Copy one artifact of one match to results/by_match/, checked against its ledger."""

import shutil
from pathlib import Path

from unmuted.engine.artifacts import atomic
from unmuted.engine.run import Run
from unmuted.errors import UserError
from unmuted.pipeline.registry import run_job


def main(run: Run, unit: str, artifact: str, exported: str) -> None:
    """Copy an artifact, or the text that it has under the name of a part.

    Raises UserError with the ledger's reason when the match has none.
    """
    export = run.registry.unit_exports[artifact]
    shard = run.dataset.require_unit_shard(unit)
    found = run.store.artifact(export.stage, unit, run.store.rows(export.stage, shard), shard)
    text = found.json().get(export.part) if found.row.has_artifact and export.part else None
    if not found.row.has_artifact:
        raise UserError(
            f"{unit} has no {artifact}: {found.row.status} {found.row.reason} "
            f"(see {run.layout.ledger(export.stage, shard)})"
        )
    if export.part and text is None:
        raise UserError(f"{unit} has no {artifact}: it has no {export.needs or export.part}")
    with atomic(Path(exported)) as temporary:
        if text is None:
            shutil.copyfile(found.checked_path(), temporary)
        else:
            temporary.write_text(text, encoding="utf-8")


if "snakemake" in globals():
    run_job(snakemake, main)
