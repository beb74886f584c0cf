"""Write the videos of this run as a table: ids, labels, splits and groups as in their source."""

import logging
from pathlib import Path

from unmuted.dataset.videos import write_table
from unmuted.engine.artifacts import atomic
from unmuted.engine.run import Run
from unmuted.pipeline.registry import run_job


def main(run: Run, table: str) -> None:
    """Write `table`; files of the folder that are not videos are counted and named in the log."""
    dataset = run.from_source().dataset.listing
    log = logging.getLogger("unmuted")
    log.info("%d videos, %d classes", len(dataset.videos), len(dataset.classes))
    if dataset.ignored:
        log.warning("%d files of the folder are not taken for videos", len(dataset.ignored))
    for name in dataset.ignored:
        log.warning("not taken for a video: %s", name)
    with atomic(Path(table)) as temporary:
        write_table(temporary, dataset)


if "snakemake" in globals():
    run_job(snakemake, main)
