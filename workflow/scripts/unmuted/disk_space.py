"""Disks without room: which errors say so, and what a person is told.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from unmuted.errors import UserError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error says that a disk, or a user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in _FULL


def disk_full_message(error: OSError) -> str:
    """Return what a person is to do about a full disk."""
    # An error without a name is one of writing, mostly to a temporary file.
    where = error.filename or f"a file of the results, or of {tempfile.gettempdir()}"
    return (
        f"{where}: {error.strerror}. Make room, or set TMPDIR to a folder with room if the file is "
        "there, and run again: what is finished is kept"
    )


@contextmanager
def temporary_space(use: str) -> Iterator[None]:
    """Raise UserError in place of OSError where TMPDIR has no room.

    use: a sentence without its full stop, that says what is written there.
    """
    try:
        yield
    except OSError as error:
        folder = tempfile.tempdir or "no temporary folder"
        raise UserError(
            f"{folder}: {error.strerror or error}. {use}: set TMPDIR to a folder with room, on a "
            "disk (not in memory)"
        ) from error
