"""Give every labelled video its split; splits made earlier are kept."""

from collections.abc import Mapping
from pathlib import Path

from unmuted.artifacts import atomic
from unmuted.joblog import job_log
from unmuted.project import RESULTS, Project
from unmuted.splits import make_splits, read_groups, write_groups, write_splits


def main(config: Mapping[str, object], table: str) -> None:
    """Write `table`, and beside it (unknown to Snakemake, which deletes outputs) what to keep.

    Kept are also groups that have left: should they come back, they find their split again.
    """
    project = Project(config)
    kept = RESULTS / f".splits-{project.splits_recipe[:12]}.csv"
    videos, seed = project.dataset.videos, project.config["splits"]["seed"]
    earlier = read_groups(kept) if kept.exists() else {}
    splits = make_splits(videos, project.split_shares, seed, earlier)
    present = {video.group: splits[video.video_id] for video in videos if video.label is not None}
    with atomic(kept) as temporary:
        write_groups(temporary, earlier | present)
    with atomic(Path(table)) as temporary:
        write_splits(temporary, videos, splits)


if "snakemake" in globals():
    with job_log(snakemake.log[0]):
        main(snakemake.config, snakemake.output[0])
