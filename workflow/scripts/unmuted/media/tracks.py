"""The audio tracks of a file, and in which order they are tried.

The first of the tracks that are made for every listener on their own: no comment, no description of
the picture, no mix for the hard of hearing, no dubbing, no karaoke. Among those the preferred
languages come first, then the one that the file marks as its default, then the order of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from unmuted.media.framecrc import Listing

# How ffmpeg names the dispositions of a stream in its log.
_DEFAULT = "default"
_SPECIAL = {"comment", "dub", "lyrics", "karaoke", "hearing impaired", "visual impaired"}
_SPECIAL |= {"clean effects", "descriptions", "dependent", "non-diegetic"}

# ffmpeg's channel layouts whose names do not begin with the number of channels, as "5.1" does.
_CHANNELS = {"mono": 1, "stereo": 2, "downmix": 2, "binaural": 2, "quad": 4, "quad(side)": 4}
_CHANNELS |= {"hexagonal": 6, "octagonal": 8, "cube": 8, "hexadecagonal": 16}

_INPUT = re.compile(
    r"^\[info\] Input #0, .*?(?=^\[info\] (?:Stream mapping:|Output #0,)|\Z)",
    re.MULTILINE | re.DOTALL,
)
_STREAM = re.compile(
    r"^\[info\] +Stream #0:(\d+)(?:\[0x[0-9a-f]+\])?(?:\(([^()]*)\))?: Audio: (.*)$", re.MULTILINE
)


@dataclass(frozen=True)
class Track:
    """An audio stream, as its container describes it.

    Attributes:
        index: among the audio streams of the file, from 0 on.
        codec: ffmpeg's name, `none` for an unknown one.
        hz: sampling rate; None where the container does not say.
        channels: their number; None where it is not known.
        language: as the container names it, such as `eng`; empty without one.
        flags: ffmpeg's names of the dispositions that count here, such as `default` or `comment`.
        is_encrypted: whether it can only be decoded with a key.
    """

    index: int
    codec: str
    hz: int | None = None
    channels: int | None = None
    language: str = ""
    flags: tuple[str, ...] = ()
    is_encrypted: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "flags", tuple(self.flags))  # a list where it comes from JSON

    @property
    def is_special(self) -> bool:
        """Whether it is no track that everyone should hear."""
        return not _SPECIAL.isdisjoint(self.flags)


def read_tracks(log: str, listing: Listing, encrypted: Collection[int] = ()) -> tuple[Track, ...]:
    """Return the audio tracks in the order of the file.

    Args:
        log: ffmpeg's, at the level `info`.
        listing: with the headers of the first audio stream, which counts where the log is cut.
        encrypted: indices of tracks that are.
    """
    found = _INPUT.search(log)
    lines = {int(m[1]): m for m in _STREAM.finditer(found[0])} if found else {}
    tracks = [_track(i, lines[n], i in encrypted) for i, n in enumerate(sorted(lines))]
    stream = listing.stream_of("audio")
    if stream is not None:
        header = listing.header[stream]
        first = Track(
            index=0,
            codec=header["codec_id"],
            hz=int(header.get("sample_rate", 0)) or None,
            channels=_channels(header.get("channel_layout_name", "")),
            language=tracks[0].language if tracks else "",
            flags=tracks[0].flags if tracks else (),
            is_encrypted=0 in encrypted,
        )
        tracks[:1] = [first]
    return tuple(tracks)


def by_preference(tracks: Sequence[Track], languages: Sequence[str] = ()) -> list[Track]:
    """Return the tracks in the order in which they are tried.

    languages: the preferred ones, best first, such as `eng`; `pt` means `pt-BR` too.
    """

    def language_rank(track: Track) -> int:
        names = [track.language.lower(), track.language.lower().partition("-")[0]]
        ranks = [i for i, language in enumerate(languages) if language.lower() in names]
        return min(ranks, default=len(languages))

    return sorted(
        tracks,
        key=lambda t: (t.is_special, language_rank(t), _DEFAULT not in t.flags, t.index),
    )


def describe(track: Track, tracks: Sequence[Track]) -> str:
    """Return which of several tracks it is: `track 2 of 3 (eng, default)`; empty for a lone one."""
    if len(tracks) < 2:
        return ""
    words = ", ".join(filter(None, (track.language, *track.flags)))
    return f"track {track.index + 1} of {len(tracks)}{f' ({words})' if words else ''}"


def _track(index: int, line: re.Match[str], is_encrypted: bool) -> Track:
    described = line[3]
    hz = re.search(r", (\d+) Hz(?:, ([^,]+))?", described)
    codec = re.match(r"\w+", described)
    known = re.findall(r"\(([a-z -]+)\)", described)
    return Track(
        index=index,
        codec=codec[0] if codec else "none",
        hz=(int(hz[1]) or None) if hz else None,
        channels=_channels(hz[2] or "") if hz else None,
        language="" if line[2] in (None, "und") else line[2],
        flags=tuple(flag for flag in known if flag == _DEFAULT or flag in _SPECIAL),
        is_encrypted=is_encrypted,
    )


def _channels(layout: str) -> int | None:
    """Return the channels of a layout that ffmpeg names: `stereo`, `5.1(side)`, `7 channels`."""
    numbers = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", layout)
    if numbers:
        return sum(int(number) for number in numbers.groups() if number)
    return _CHANNELS.get(layout)
