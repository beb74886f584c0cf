"""Digests of large source files, remembered while nothing tells that a file has changed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from unmuted.digests import digest_bytes, digest_file
from unmuted.engine.artifacts import atomic

WORTH_REMEMBERING = 64 << 20  # bytes; smaller files are hashed in a moment


class SourceDigests:
    """Digests by path, size, time of modification and inode.

    memory: a JSON file that keeps them from one job to the next, replaced when the block ends if
    something new was read. A damaged one costs one reading of the files.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._known = _read(memory)
        self._is_changed = False

    def __enter__(self) -> SourceDigests:
        return self

    def __exit__(self, *error: object) -> None:
        if self._is_changed:
            with atomic(self._memory) as temporary:
                temporary.write_text(json.dumps(self._known, indent=1, sort_keys=True))

    def digest(self, path: Path) -> str:
        """Return the digest of a file's content. Raises OSError where it cannot be read."""
        status = os.stat(path)
        if status.st_size < WORTH_REMEMBERING:
            return digest_file(path)
        # Results may be given to others: no path is in the file, only its digest.
        key = digest_bytes(os.fsencode(os.path.abspath(path)))
        stamp = [status.st_size, status.st_mtime_ns, status.st_ino]
        known = self._known.get(key, [])
        if known[:3] == stamp:
            return str(known[3])
        digest = digest_file(path)
        self._known[key] = [*stamp, digest]
        self._is_changed = True
        return digest


def _read(memory: Path) -> dict[str, list[object]]:
    try:
        known = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {key: entry for key, entry in known.items() if _is_entry(entry)}


def _is_entry(value: object) -> bool:
    """Return whether this is [size, mtime_ns, inode, digest]."""
    return isinstance(value, list) and [type(part) for part in value] == [int, int, int, str]
