"""Which streams of a file can only be decoded with a key, from what its container declares.

ffmpeg decodes such streams as if they were clear, to noise. So the container is read here: sample
entries of MP4 and QuickTime (Common Encryption, FairPlay), content encodings of Matroska and WebM,
the encryption objects of ASF, and the scrambling bits of MPEG transport streams.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MAX_BOXES = 100_000  # that are looked at, whatever a file claims
_MAX_DEPTH = 8  # of boxes in a track: three are usual
_MAX_PACKETS = 20_000  # of a transport stream

_ENCRYPTED_ENTRIES = {b"encv", b"enca", b"drmi", b"drms"}
_MOV_FOLDERS = {b"mdia", b"minf", b"stbl"}
_MOV_STARTS = {b"ftyp", b"moov", b"free", b"skip", b"wide", b"mdat", b"pnot", b"styp", b"sidx"}

_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT, _TRACKS, _TRACK = 0x18538067, 0x1654AE6B, 0xAE
_TRACK_TYPE, _ENCODINGS, _ENCODING, _ENCRYPTION = 0x83, 0x6D80, 0x6240, 0x5035
_CLUSTER = 0x1F43B675

_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_ENCRYPTION = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_ASF_HEADER = 1 << 20  # bytes


@dataclass(frozen=True)
class Encryption:
    """Which streams of a file are encrypted.

    streams: of each, in the order of the container, its kind and whether it is encrypted. is_whole:
    whether the container declares it of the file as a whole.
    """

    streams: tuple[tuple[str, bool], ...] = ()
    is_whole: bool = False

    @property
    def sound(self) -> frozenset[int]:
        """The indices of the audio streams that are, among the audio streams."""
        audio = [is_encrypted for kind, is_encrypted in self.streams if kind == "audio"]
        return frozenset(index for index, is_encrypted in enumerate(audio) if is_encrypted)

    @property
    def is_of_all_video(self) -> bool:
        """Whether no video stream is clear."""
        video = [is_encrypted for kind, is_encrypted in self.streams if kind == "video"]
        return self.is_whole or (bool(video) and all(video))

    def is_of_video(self, index: int) -> bool:
        """Return whether the video stream with this index in the file is encrypted.

        Where the container has no video stream at that place, any that is encrypted counts.
        """
        if index < len(self.streams) and self.streams[index][0] == "video":
            return self.streams[index][1]
        return self.is_whole or ("video", True) in self.streams


def find_encryption(path: Path) -> Encryption:
    """Return which streams of a file can only be decoded with a key."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(16)
        if start[4:8] in _MOV_STARTS:
            return Encryption(tuple(_mov_streams(file, size)))
        if start[:4] == _EBML:
            return Encryption(tuple(_matroska_streams(file, size)))
        if start == _ASF:
            file.seek(0)
            header = file.read(_ASF_HEADER)
            return Encryption(is_whole=any(guid in header for guid in _ASF_ENCRYPTION))
        return Encryption(is_whole=_is_scrambled(file))


def _mov_streams(file: BinaryIO, size: int) -> Iterator[tuple[str, bool]]:
    """Yield the kind of each track, and whether one of its sample entries is encrypted."""
    for kind, start, end in _boxes(file, 0, size):
        if kind != b"moov":
            continue
        for track, track_start, track_end in _boxes(file, start, end):
            if track == b"trak":
                handler, entries = _mov_track(file, track_start, track_end)
                name = {b"vide": "video", b"soun": "audio"}.get(handler, "")
                yield name, not _ENCRYPTED_ENTRIES.isdisjoint(entries)


def _mov_track(
    file: BinaryIO, start: int, end: int, depth: int = _MAX_DEPTH
) -> tuple[bytes, set[bytes]]:
    """Return the handler type of a track, and the kinds of its sample entries.

    depth: how far to look into boxes within boxes.
    """
    handler, entries = b"", set()
    for kind, inner, inner_end in _boxes(file, start, end):
        if kind == b"hdlr" and not handler:
            file.seek(inner + 8)
            handler = file.read(4)
        elif kind == b"stsd":
            entries |= {entry for entry, _, _ in _boxes(file, inner + 8, inner_end)}
        elif kind in _MOV_FOLDERS and depth:
            deeper, found = _mov_track(file, inner, inner_end, depth - 1)
            handler, entries = handler or deeper, entries | found
    return handler, entries


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box in a part of the file, and where its content begins and ends."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:
            return
        size, content = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:
            size, content = int.from_bytes(header[8:], "big"), start + 16
        stop = end if size == 0 else start + size
        if stop < content:
            return
        yield header[4:8], content, min(stop, end)
        start = stop


def _matroska_streams(file: BinaryIO, size: int) -> Iterator[tuple[str, bool]]:
    """Yield the kind of each track, and whether its content is encrypted."""
    for segment, start, end in _elements(file, 0, size):
        if segment != _SEGMENT:
            continue
        for part, part_start, part_end in _elements(file, start, end):
            if part == _CLUSTER:
                break
            if part == _TRACKS:
                for track, track_start, track_end in _elements(file, part_start, part_end):
                    if track == _TRACK:
                        yield _matroska_track(file, track_start, track_end)


def _matroska_track(file: BinaryIO, start: int, end: int) -> tuple[str, bool]:
    kind, is_encrypted = "", False
    for name, inner, inner_end in _elements(file, start, end):
        if name == _TRACK_TYPE:
            file.seek(inner)
            value = int.from_bytes(file.read(min(inner_end - inner, 8)), "big")
            kind = {1: "video", 2: "audio"}.get(value, "")
        elif name == _ENCODINGS:
            for encoding, first, last in _elements(file, inner, inner_end):
                names = {name for name, _, _ in _elements(file, first, last)}
                is_encrypted |= encoding == _ENCODING and _ENCRYPTION in names
    return kind, is_encrypted


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the id of each EBML element of a part of the file, and where its content lies."""
    for _ in range(_MAX_BOXES):
        if start >= end:
            return
        file.seek(start)
        header = file.read(12)
        if not header:
            return
        id_length = 9 - header[0].bit_length()
        if id_length > 4 or len(header) <= id_length:
            return
        size_length = 9 - header[id_length].bit_length()
        content = id_length + size_length
        if size_length > 8 or len(header) < content:
            return
        size = int.from_bytes(header[id_length:content], "big") - (1 << 7 * size_length)
        is_unknown = size == (1 << 7 * size_length) - 1
        stop = end if is_unknown else min(start + content + size, end)
        yield int.from_bytes(header[:id_length], "big"), start + content, stop
        start = stop


def _is_scrambled(file: BinaryIO) -> bool:
    """Return whether most packets of a transport stream are; False for any other file."""
    for length, offset in ((188, 0), (192, 4), (204, 0)):
        file.seek(0)
        data = file.read(length * _MAX_PACKETS)
        count = len(data) // length
        packets = [data[i * length + offset : i * length + offset + 4] for i in range(count)]
        if count >= 3 and all(packet[0] == 0x47 for packet in packets[:3]):
            with_content = [p for p in packets if p[0] == 0x47 and p[3] & 0x10]
            scrambled = sum(bool(p[3] & 0xC0) for p in with_content)
            return scrambled * 2 > len(with_content) > 0
    return False
