"""Shards: the stable sets of videos that one job works on.

A video's shard is a hash of its id, so a new video touches one shard and moves no other. Videos
that belong together, such as the halves of a match, share the hash of their unit. The
number of shards is a power of two: when a growing data set crosses a boundary the layout doubles,
and the jobs of the new layout reuse what the old one has finished (see `unmuted.engine.executor`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LAYOUT = re.compile(r"(\d{5,})-of-(\d{5,})")


def shard_count(videos: int, videos_per_shard: int) -> int:
    """Return the smallest power of two for shards of `videos_per_shard` videos on average."""
    count = 1
    while count * videos_per_shard < videos:
        count *= 2
    return count


def shard_name(video_id: str, count: int) -> str:
    """Return the name of the shard of `video_id` among `count` shards, such as 00003-of-00016."""
    number = int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:8], "big")
    return f"{number % count:05d}-of-{count:05d}"


def shard_like(neighbour: str, unit: str, videos_per_shard: int) -> str:
    """Return the shard of a unit in the layout that has a shard `neighbour`.

    A video without a unit is one by its id.
    """
    if videos_per_shard == 1:
        return unit
    layout = LAYOUT.fullmatch(neighbour)
    if layout is None:
        raise ValueError(f"expected the name of a shard such as 00003-of-00016, found {neighbour}")
    return shard_name(unit, int(layout[2]))


def assign_shards(
    video_ids: Sequence[str], videos_per_shard: int, units: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Return the shard names with their video ids, both sorted; only shards that hold videos.

    With one video a shard, the shard bears the video's id: the plain DAG of one job per video.
    units: of videos that must lie in one shard, by id. Their unit takes the place of their ids.
    """
    units = units or {}
    count = shard_count(len(video_ids), videos_per_shard)
    shards: dict[str, list[str]] = {}
    for video_id in sorted(video_ids):
        unit = units.get(video_id, video_id)
        shard = unit if videos_per_shard == 1 else shard_name(unit, count)
        shards.setdefault(shard, []).append(video_id)
    return dict(sorted(shards.items()))


def shards_of_other_layouts(
    video_id: str, shard: str, folders: Iterable[str], unit: str | None = None
) -> list[str]:
    """Return the names among `folders` in which another layout keeps `video_id`, in a fixed order.

    unit: of the video, if it has one; earlier it may have had none.
    """
    existing = set(folders)
    counts = {int(match[2]) for name in existing if (match := LAYOUT.fullmatch(name))}
    names = dict.fromkeys([unit or video_id, video_id])
    candidates = [
        candidate
        for name in names
        for candidate in (name, *(shard_name(name, count) for count in sorted(counts)))
    ]
    return [name for name in candidates if name in existing and name != shard]


def shard_folders(stage_folder: Path) -> list[str]:
    """Return the names of the shard folders that lie in a stage's folder."""
    if not stage_folder.is_dir():
        return []
    folders = (entry.name for entry in stage_folder.iterdir() if entry.is_dir())
    return sorted(name for name in folders if not name.startswith("."))
