"""Which videos the last run had: those that left are named before the next one starts.

A disk that is not mounted looks like a class without videos. Results of videos that left are kept
until they are pruned.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import atomic

MOST_CLASSES = 5  # that are named


def write_members(path: Path, videos: Iterable[Video]) -> None:
    """Record the ids of the videos of a run by class; those without label under ""."""
    by_label: dict[str, list[str]] = {}
    for video in videos:
        by_label.setdefault(video.label or "", []).append(video.video_id)
    content = f"{json.dumps(by_label)}\n".encode()
    if not path.is_file() or path.read_bytes() != content:
        with atomic(path) as temporary:
            temporary.write_bytes(content)


def read_members(path: Path) -> dict[str, str]:
    """Return the label, or "", of each video of the last run by id; empty if it is not known."""
    try:
        by_label = json.loads(path.read_text(encoding="utf-8"))
        return {video_id: label for label, ids in by_label.items() for video_id in ids}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def about_absent(earlier: Mapping[str, str], present: Mapping[str, Video]) -> str:
    """Say how many videos left since the last run, and from which classes; "" for none."""
    absent = {name: label for name, label in earlier.items() if name not in present}
    if not absent:
        return ""
    classes = {video.label for video in present.values()}
    lost = Counter(label for label in absent.values() if label and label not in classes)
    named = [f"{label!r} ({count})" for label, count in sorted(lost.items())]
    more = f" and {len(named) - MOST_CLASSES} more" if len(named) > MOST_CLASSES else ""
    emptied = (
        f"; no video is left of {'class' if len(named) == 1 else 'the classes'} "
        f"{', '.join(named[:MOST_CLASSES])}{more}: if a disk is not mounted, mount it first"
        if named
        else ""
    )
    return (
        f"{len(absent)} of {len(earlier)} videos left since the last run (such as {min(absent)})"
        f"{emptied}. Their results are kept, for when they come back, until "
        "`snakemake --cores 1 prune` removes them"
    )
