"""Digests of files, remembered while size and modification time stay the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from unmuted.digests import digest_bytes, digest_file
from unmuted.engine.artifacts import atomic


def file_digests(paths: Iterable[Path], cache_file: Path | None = None) -> dict[Path, str]:
    """Return the digest of each file, as `digest_file` gives it.

    `cache_file` is a JSON of {digest of the path: [size, mtime_ns, digest]}, replaced atomically
    when something new was read; files of gigabytes are then read once and not on every start.
    """
    known = _read(cache_file)
    fresh: dict[str, list] = {}
    digests: dict[Path, str] = {}
    for path in paths:
        # Results may be given to others: no path is in the file, only its digest.
        key, status = digest_bytes(os.fsencode(path.resolve())), path.stat()
        stamp = [status.st_size, status.st_mtime_ns]
        if known.get(key, [])[:2] != stamp:
            fresh[key] = [*stamp, digest_file(path)]
        digests[path] = (fresh.get(key) or known[key])[2]
    if cache_file is not None and fresh:
        _write(cache_file, known | fresh)
    return digests


def _read(cache_file: Path | None) -> dict[str, list]:
    if cache_file is None or not cache_file.is_file():
        return {}
    try:
        known = json.loads(cache_file.read_bytes())
    except ValueError:
        known = None
    if not isinstance(known, dict):
        return {}  # only a cache: a damaged one costs one reading of the files
    return {path: entry for path, entry in known.items() if _is_entry(entry)}


def _is_entry(value: object) -> bool:
    """Return whether this is [size, mtime_ns, digest]."""
    return isinstance(value, list) and [type(part) for part in value] == [int, int, str]


def _write(cache_file: Path, known: dict[str, list]) -> None:
    with atomic(cache_file) as temporary:
        temporary.write_text(json.dumps(known, indent=1, sort_keys=True))
