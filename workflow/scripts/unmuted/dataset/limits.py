"""What a dataset refuses, so that no file can stop a run.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_FASTEST = 250  # frames a second, of videos of any length
_LEAST_FRAMES = 100_000
_MINUTE = 60.0

# What a job that decodes videos needs of memory, in bytes.
_BESIDES_PICTURES = 500_000_000
_PIXEL = 6  # three samples of up to 16 bits
_PICTURES = 8  # that a decoder keeps: the references of common formats, and what is not yet shown

# The setting that decides whether a video with a status of the ledgers is read.
SETTING_OF_STATUS = {
    "outside_folder": "videos.follow_links",
    "too_long": "videos.max_seconds",
    "too_short": "videos.min_seconds",
    "too_large": "videos.max_megapixels",
    "file_too_large": "videos.max_gigabytes",
}


@dataclass(frozen=True)
class Limits:
    """What is refused: longer and shorter videos, of more frames, of larger pictures or files.

    min_seconds: one window of the sound's spectrogram (25 ms); a single frame at 25 fps is longer.
    timeout_s: of CPU time, for one call of ffmpeg on a video of up to a minute; see `timeout`.
    sandbox: see `unmuted.media.confinement`.
    """

    max_seconds: float = 60.0
    max_frames: int = _LEAST_FRAMES
    max_pixels: int = 34_000_000
    timeout_s: float = 300.0
    min_seconds: float = 0.025
    max_bytes: int = 64_000_000_000
    sandbox: str = "auto"

    @property
    def memory(self) -> int:
        """Bytes that a job takes which decodes the largest pictures allowed.

        What jobs ask of a scheduler and the bound of a decoder (`unmuted.media.confinement`) follow
        from it.
        """
        return _BESIDES_PICTURES + _PICTURES * _PIXEL * self.max_pixels

    def timeout(self, seconds: float) -> float:
        """Return the CPU time, in seconds, of a call of ffmpeg on a video of so many seconds."""
        return self.timeout_s * max(1.0, seconds / _MINUTE)


def video_limits(config: Mapping[str, Any]) -> Limits:
    """Return the limits of a dataset, from the configuration's sections `videos` and `media`."""
    videos = config["videos"]
    seconds = videos["max_seconds"]
    return Limits(
        max_seconds=seconds,
        max_frames=max(_LEAST_FRAMES, int(seconds * _FASTEST)),
        max_pixels=int(videos["max_megapixels"] * 1e6),
        min_seconds=videos["min_seconds"],
        max_bytes=int(videos["max_gigabytes"] * 1e9),
        sandbox=config["media"]["sandbox"],
    )
