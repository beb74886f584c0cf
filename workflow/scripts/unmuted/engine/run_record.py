"""The run record: the videos of a run by shard, in one file from which a job reads its shard alone.

The Snakemake that plans a run writes it before its first job. A job that looked at the folder or
the manifest itself would spend a time that grows with the dataset, in every shard of every stage,
and might find other videos than were planned.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import atomic

# One line a shard; then a line with the place of each shard and the job fingerprints; then the
# length of that line, in so many digits.
DIGITS = 12


class RunRecord:
    """The record of a run; of its videos only those that are asked for are read.

    classes: of the labelled videos, in alphabetical order. job_fingerprints: those of the fitted
    stages and the splits of shards, by scenario; see `JobFingerprints.planned`. videos_per_shard,
    units: of the dataset, as in `Dataset`. missing_labels: as of the `ShardedDataset`. tools:
    versions of the programs that jobs run, by name.
    The file stays open: another run may put its own record in its place.
    """

    def __init__(self, file: BinaryIO, index: Mapping[str, Any]) -> None:
        self._file, self._places = file, index["places"]
        self.classes: Sequence[str] = index["classes"]
        self.job_fingerprints: Mapping[str, Mapping] = index["job_fingerprints"]
        self.videos_per_shard: int = index["videos_per_shard"]
        self.units: Mapping[str, str] = index["units"]
        self.missing_labels: str = index["missing_labels"]
        self.tools: Mapping[str, str] = index["tools"]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __contains__(self, shard: str) -> bool:
        return shard in self._places

    def of_shard(self, shard: str) -> list[Video]:
        """Return the videos of a shard, sorted by id; none for a shard that is not recorded."""
        if shard not in self._places:
            return []
        start, length = self._places[shard]
        self._file.seek(start)
        return [_video(cells) for cells in json.loads(self._file.read(length))]

    def all(self) -> list[Video]:
        """Return all videos, sorted by id."""
        videos = [video for shard in self._places for video in self.of_shard(shard)]
        return sorted(videos, key=lambda video: video.video_id)


def write_record(
    path: Path,
    source: str,
    classes: Sequence[str],
    shards: Iterable[tuple[str, Iterable[Video]]],
    job_fingerprints: Mapping[str, Any],
    videos_per_shard: int,
    units: Mapping[str, str],
    missing_labels: str,
    tools: Mapping[str, str],
) -> None:
    """Write the record; source: a digest of where the videos come from and how they are sharded.

    The videos are written with the stamps that they have in `planned`. tools: versions, by name.
    """
    places: dict[str, list[int]] = {}
    with atomic(path) as temporary, open(temporary, "wb") as file:
        for shard, videos in shards:
            line = json.dumps([_cells(video) for video in videos]).encode()
            places[shard] = [file.tell(), len(line)]
            file.write(line + b"\n")
        index = json.dumps(
            {
                "source": source,
                "classes": classes,
                "places": places,
                "job_fingerprints": job_fingerprints,
                "videos_per_shard": videos_per_shard,
                "units": units,
                "missing_labels": missing_labels,
                "tools": tools,
            }
        ).encode()
        file.write(index + f"\n{len(index):{DIGITS}d}".encode())


def read_record(path: Path, source: str) -> RunRecord | None:
    """Return the record at `path`; None where there is none, or one of another source."""
    try:
        file = open(path, "rb")  # noqa: SIM115 (stays open with the record)
    except FileNotFoundError:
        return None
    try:
        file.seek(-DIGITS, os.SEEK_END)
        length = int(file.read())
        file.seek(-DIGITS - 1 - length, os.SEEK_END)
        index = json.loads(file.read(length))
    except (OSError, ValueError):
        index = {}  # not a record, or one of another version
    known = {"classes", "job_fingerprints", "videos_per_shard", "units", "tools"}
    known |= {"missing_labels"}
    if index.get("source") != source or not index.keys() >= known:
        file.close()
        return None
    return RunRecord(file, index)


def _cells(video: Video) -> list[object]:
    path, root = (str(place) if place else None for place in (video.path, video.root))
    named = [video.video_id, path, video.label, video.split, video.group, root]
    return [*named, dict(video.extra), video.unit, video.planned, video.targets]


def _video(cells: list[Any]) -> Video:
    video_id, path, label, split, group, root, extra, unit, planned, targets = cells
    path, root = (Path(place) if place else None for place in (path, root))
    return Video(video_id, path, label, split, group, root, extra, unit, planned, targets)
