"""The identity of the dataset that results/ was made from: no run deletes another's results.

A video that is no longer part of a run has its results removed. Seen from another configuration
that is true of all of them. A dataset is known by where it lies or, where it was moved, by some of
its videos.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmuted.dataset.videos import Video
from unmuted.digests import digest_bytes
from unmuted.engine.artifacts import atomic
from unmuted.errors import UserError
from unmuted.files import NotAFile, read_bytes

SAMPLE = "sample"
MOST = 64  # videos of a sample
ENOUGH = 0.75  # share of the sample that a moved dataset still has
ENDS = 1 << 16  # bytes that are read at the beginning and at the end of a video


def check_identity(
    path: Path, identity: Mapping[str, str], videos: Mapping[str, Video] | None = None
) -> None:
    """Raise UserError if a run over another dataset wrote this file; videos: by id, of this run."""
    recorded = _recorded(path)
    if recorded is None:
        return
    named = {key: value for key, value in recorded.items() if key != SAMPLE}
    if named != identity and not _was_moved(recorded, identity, videos or {}):
        raise UserError(
            f"{path.parent}/ belongs to {_in_words(named)}, but the configuration names "
            f"{_in_words(identity)}: all of its results would be those of videos that left. Run in "
            f"another folder with --directory, or delete {path.parent}/"
        )


def record_identity(
    path: Path, identity: Mapping[str, str], videos: Mapping[str, Video] | None = None
) -> None:
    """Write the file for later runs. Raises UserError like `check_identity`."""
    check_identity(path, identity, videos)
    sample = _sample(videos or {})
    content = {**identity, SAMPLE: sample} if sample else dict(identity)
    if _recorded(path) != content:
        with atomic(path) as temporary:
            temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _recorded(path: Path) -> dict[str, Any] | None:
    if not os.path.lexists(path):
        return None
    try:
        recorded = json.loads(read_bytes(path))
    except NotAFile:
        raise
    except (ValueError, OSError):
        recorded = None
    if not isinstance(recorded, dict):
        raise UserError(
            f"{path}: expected the name of the dataset that {path.parent}/ belongs to, found what "
            "cannot be read. If it is the dataset of this configuration, delete this one file and "
            "run again; all results are kept"
        )
    return recorded


def _was_moved(
    recorded: Mapping[str, Any], identity: Mapping[str, str], videos: Mapping[str, Video]
) -> bool:
    """Return whether these are the videos of the record, in another place."""
    sample = recorded.get(SAMPLE)
    is_like = recorded.get("source") == identity["source"] and {"path"} <= identity.keys()
    if not is_like or not isinstance(sample, dict) or not sample:
        return False
    same = [name for name, mark in sample.items() if name in videos and _mark(videos[name]) == mark]
    return len(same) >= ENOUGH * len(sample)


def _sample(videos: Mapping[str, Video]) -> dict[str, list[object]]:
    """Return marks of the videos whose ids have the smallest hashes.

    Of two versions of a dataset these are mostly the same videos.
    """
    with_file = (name for name, video in videos.items() if video.path is not None)
    chosen = sorted(with_file, key=lambda name: hashlib.sha256(name.encode()).digest())[:MOST]
    marks = {name: _mark(videos[name]) for name in sorted(chosen)}
    return {name: mark for name, mark in marks.items() if mark is not None}


def _mark(video: Video) -> list[object] | None:
    """Return the size of a video and the digest of its two ends; None where it cannot be read."""
    try:
        descriptor = os.open(video.file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        size = os.fstat(descriptor).st_size
        ends = os.pread(descriptor, ENDS, 0) + os.pread(descriptor, ENDS, max(size - ENDS, 0))
        return [size, digest_bytes(ends)]
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _in_words(identity: Mapping[str, Any]) -> str:
    known = (identity.get(key) for key in ("source", "kind", "path"))
    return " ".join(map(str, filter(None, known))) or "an unknown dataset"
