"""Give every labelled video its split; splits made earlier are kept."""

import logging
from pathlib import Path

from unmuted.dataset.splits import classes_without, write_groups, write_splits
from unmuted.engine.artifacts import atomic
from unmuted.engine.run import Run
from unmuted.pipeline.registry import run_job


def main(run: Run, table: str) -> None:
    """Write `table`, and next to it the split of every group.

    Groups whose videos were removed are kept, so that they get the same split if they come back.
    """
    dataset = run.dataset
    videos, splits, kept = dataset.listing.videos, dataset.splits, dataset.kept_splits
    present = {video.group: splits[video.video_id] for video in videos if video.label is not None}
    if untested := classes_without("test", videos, splits):
        log = logging.getLogger("unmuted")
        log.warning("%d classes have no test video: %s", len(untested), ", ".join(untested))
    with atomic(kept) as temporary:
        write_groups(temporary, {**dataset.earlier_groups, **present})
    with atomic(Path(table)) as temporary:
        write_splits(temporary, videos, splits)


if "snakemake" in globals():
    run_job(snakemake, main)
