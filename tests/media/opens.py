"""Which files a command opens, seen by the kernel: Linux's inotify, without tracing."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_IN_OPEN = 0x20
_EVENT = struct.Struct("iIII")


@contextmanager
def recorded_opens(folder: Path) -> Iterator[list[str]]:
    """The names of the files of `folder` that are opened within the block, filled in at its end."""
    if not sys.platform.startswith("linux"):
        pytest.skip("inotify is a feature of Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    queue = libc.inotify_init1(os.O_NONBLOCK)
    assert queue >= 0, os.strerror(ctypes.get_errno())
    names: list[str] = []
    try:
        assert libc.inotify_add_watch(queue, os.fsencode(folder), _IN_OPEN) >= 0
        yield names
        names += _read_names(queue)
    finally:
        os.close(queue)


def _read_names(queue: int) -> list[str]:
    try:
        events = os.read(queue, 1 << 16)
    except BlockingIOError:
        return []
    names, at = [], 0
    while at < len(events):
        length = _EVENT.unpack_from(events, at)[3]
        at += _EVENT.size
        name = os.fsdecode(events[at : at + length].rstrip(b"\0"))
        names += [name] if name else []  # without a name: the folder itself
        at += length
    return names
