"""A QuickTime file whose picture lies in another file: an alias in its data reference box."""

from __future__ import annotations

import struct

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")


def with_alias(movie: bytes, name: str) -> bytes:
    """`movie` with every data reference pointing to the file `name` in the same folder.

    The index must stand at the end, so that no chunk moves when its boxes grow.
    """
    return b"".join(_rewrite(movie, name))


def _rewrite(data: bytes, name: str) -> list[bytes]:
    boxes, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + size]
        if kind in _CONTAINERS:
            body = b"".join(_rewrite(body, name))
        elif kind == b"dref":
            body = struct.pack(">II", 0, 1) + _alias(name)
        boxes.append(struct.pack(">I4s", len(body) + 8, kind) + body)
        at += size
    return boxes


def _alias(name: str) -> bytes:
    """The fields of a Macintosh alias record that libavformat/mov.c reads, with a relative path."""
    volume, path = b"disk", b"disk:" + name.encode()
    parts = [
        bytes(10),
        struct.pack("B27s", len(volume), volume),
        bytes(12),
        struct.pack("B63s", len(name), name.encode()),
        bytes(16),
        struct.pack(">hh", 1, 1),  # one level up from here, one level down to the target
        bytes(16),
        struct.pack(">hH", 2, len(path)) + path + bytes(len(path) % 2),
        struct.pack(">hH", -1, 0),
    ]
    body = bytes(4) + b"".join(parts)  # version and flags: not self-contained
    return struct.pack(">I4s", len(body) + 8, b"alis") + body
