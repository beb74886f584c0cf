"""Files too large to be read at all, and files that are mostly holes: seen before a byte is read.

A file of 8 TB may take no space on the disk, in a tar archive or of a download that has only begun;
reading its zeros takes hours.
"""

from __future__ import annotations

import os
from pathlib import Path

from unmuted.media.ffmpeg import MediaError

_GIGABYTE = 1e9
_SMALL = 50_000_000  # bytes; holes in a smaller file do not matter
_MAX_HOLES = 10_000  # that are looked at


def check_file_size(path: Path, max_bytes: int) -> None:
    """Refuse a file by its size.

    Args:
        path: a file that `check_file` accepts.
        max_bytes: the largest size that is read.

    Raises:
        MediaError: `file_too_large`, or `sparse` where more than half of a large file are holes.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size > max_bytes:
            allowed = f"{max_bytes / _GIGABYTE:g} GB"
            raise MediaError("file_too_large", f"{size / _GIGABYTE:.6g} GB, allowed are {allowed}")
        holes = _bytes_in_holes(descriptor, size) if size > _SMALL else 0
    finally:
        os.close(descriptor)
    if 2 * holes > size:
        parts = f"{holes / _GIGABYTE:.3g} of {size / _GIGABYTE:.3g} GB"
        raise MediaError("sparse", f"{parts} are holes, as in a download that is not finished")


def _bytes_in_holes(descriptor: int, size: int) -> int:
    """Return the bytes that no disk holds; 0 on file systems that do not tell."""
    holes = place = 0
    try:
        for _ in range(_MAX_HOLES):
            begins = os.lseek(descriptor, place, os.SEEK_HOLE)
            if begins >= size:
                break
            try:
                place = os.lseek(descriptor, begins, os.SEEK_DATA)
            except OSError:  # no data after the hole
                place = size
            holes += place - begins
            if place >= size:
                break
    except (OSError, AttributeError):  # AttributeError: systems without SEEK_HOLE
        return 0
    return holes
