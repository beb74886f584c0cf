"""Reading files of results, in whose place anything may lie."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from unmuted.errors import UserError


class NotAFile(UserError):
    """A folder, a device or the like in the place of a file."""


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file. Raises NotAFile for anything else, without waiting for it.

    A link is no file either: what it leads to may be anybody's.
    """
    return _read(path, -1)


def read_bytes_up_to(path: Path, limit: int) -> bytes:
    """Return the bytes of a file, but one byte more than `limit` at most; errors as `read_bytes`.

    More than `limit` bytes say that the file is too large.
    """
    return _read(path, limit + 1)


def _read(path: Path, most: int) -> bytes:
    """Return at most so many bytes of a file, all of them for -1."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFile(f"{path}: expected a file, found a link; move it away") from error
        raise
    try:
        require_file(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def require_file(path: Path, status: os.stat_result) -> None:
    """Raise NotAFile unless the status is that of a regular file."""
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket"
        raise NotAFile(f"{path}: expected a file, found {kind}; move it away")
