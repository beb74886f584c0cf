"""Ways in which the bytes of a video can be wrong."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Sequence

# Bytes of a clip, other clips' bytes, and the path of the canary.
Mutation = Callable[[bytes, random.Random, Sequence[bytes], bytes], bytes]

_EXTREMES = (0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_BOX = re.compile(
    rb"....(?:ftyp|moov|trak|mdia|minf|stbl|stsd|stts|stsz|stsc|stco|ctts|stss|elst|mdat|avc1|esds|"
    rb"avcC|moof|traf|trun|tfhd|dref|mvhd|tkhd|mdhd|idx1|movi|strh|strf|avih)",
    re.DOTALL,
)
_EBML = re.compile(
    rb"\x1a\x45\xdf\xa3|\x18\x53\x80\x67|\x15\x49\xa9\x66|\x16\x54\xae\x6b|\x1f\x43\xb6\x75|\x1c\x53\xbb\x6b"
    rb"|\xa3|\xae|\xe0|\xe1|\x86|\x63\xa2"
)


def flip_bits(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Flip up to 64 bits anywhere."""
    return _flipped(data, rng, len(data))


def flip_header_bits(
    data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes
) -> bytes:
    """Flip up to 64 bits of the first 600 bytes, where most containers say what they hold."""
    return _flipped(data, rng, min(600, len(data)))


def truncate(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Cut the end off, or the beginning."""
    at = rng.randrange(1, len(data))
    return data[:at] if rng.random() < 0.7 else data[at:]


def zero_block(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Overwrite a block with zeros, ones, or random bytes."""
    start, end = _block(data, rng)
    size = end - start
    return (
        data[:start] + rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size))) + data[end:]
    )


def remove_block(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Leave a block out."""
    start, end = _block(data, rng)
    return data[:start] + data[end:]


def repeat_block(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Say a block several times."""
    start, end = _block(data, rng)
    return data[:end] + data[start:end] * rng.randrange(1, 9) + data[end:]


def splice(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Go on with the bytes of another file, or put a piece of it in between."""
    other = rng.choice(others)
    at, start = rng.randrange(len(data)), rng.randrange(len(other))
    if rng.random() < 0.5:
        return data[:at] + other[start:]
    return data[:at] + other[start : start + rng.randrange(1, 4000)] + data[at:]


def change_sizes(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Give boxes of MP4 and AVI, or elements of Matroska, sizes that they do not have."""
    changed = bytearray(data)
    boxes = [found.start() for found in _BOX.finditer(data)]
    if boxes:
        for at in rng.sample(boxes, min(len(boxes), rng.randrange(1, 4))):
            near = struct.unpack_from(">I", changed, at)[0] + rng.randrange(-16, 17)
            value = rng.choice((*_EXTREMES, near)) & 0xFFFFFFFF
            changed[at : at + 4] = struct.pack(rng.choice((">I", "<I")), value)
        return bytes(changed)
    ends = [found.end() for found in _EBML.finditer(data) if found.end() < len(data)]
    for at in rng.sample(ends, min(len(ends), 3)) or [rng.randrange(len(data))]:
        changed[at] = rng.choice((0x00, 0x01, 0x08, 0x10, 0x40, 0x80, 0xFE, 0xFF))
    return bytes(changed)


def change_fields(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Give numbers of four bytes in the first or last 2000 bytes extreme values."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        reach = min(2000, len(data) - 4)
        at = rng.randrange(reach) if rng.random() < 0.5 else len(data) - 4 - rng.randrange(reach)
        struct.pack_into(rng.choice((">I", "<I")), changed, at, rng.choice(_EXTREMES))
    return bytes(changed)


def insert_bytes(data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes) -> bytes:
    """Put random bytes in between."""
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 2, 7, 188, 4096))) + data[at:]


def name_another_file(
    data: bytes, rng: random.Random, others: Sequence[bytes], canary: bytes
) -> bytes:
    """Begin with a list that names a file which nobody may open, or put its name into the clip."""
    lists = (
        b"#EXTM3U\n#EXTINF:1,\n" + canary + b"\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '" + canary + b"'\n",
        b"file '" + canary + b"'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        b"[playlist]\nFile1=" + canary + b"\n",
        b"<?xml version='1.0'?><MPD><BaseURL>" + canary + b"</BaseURL></MPD>",
    )
    text = rng.choice(lists)
    if rng.random() < 0.6:
        return rng.choice((b"", b"\xef\xbb\xbf", b" \n")) + text + rng.choice((b"", data))
    at = rng.randrange(len(data))
    return data[:at] + text + data[at + len(text) :]


def _flipped(data: bytes, rng: random.Random, reach: int) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 64))):
        changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _block(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data))
    return start, min(len(data), start + rng.choice((1, 16, 188, 1024, 4096)))


MUTATIONS: tuple[Mutation, ...] = (
    *(flip_bits, flip_header_bits, truncate, zero_block, remove_block, repeat_block, splice),
    *(change_sizes, change_fields, insert_bytes, name_another_file),
)
