"""A clip as the segmentation sees it: a picture, sound and truth for each second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

OWN, SILENCE, NOISE = "own", "silence", "noise"  # sounds that are computed from a waveform


@dataclass(frozen=True)
class ClipBox:
    """A box around what sounds in a second; edges: left, top, right, bottom in pixels."""

    second: int
    label: str
    edges: tuple[float, float, float, float]


@dataclass(frozen=True)
class ClipData:
    """K seconds of a clip.

    name, group, label: as the dataset has them; label: the class of its sound, or None. key:
    digest of the pictures, the same for all clips with these pictures. kind: of clips that are
    reported apart, such as `both`; empty for all others.

    frames: uint8 (K, H, W, 3), the picture at the middle of each second. is_padding: bool (H, W),
    pixels that are not of the video. tokens: float32 (K, D) of each sound: its own, digital
    silence, and noise, all through the same network. has_audio: bool (K,), whether there is a sound
    stream. rms_db: float32 (K,), level in dBFS. truth: bool (K, H, W), what sounds. is_labelled:
    bool (K,), whether the truth of the second is known; without sound in the picture it is empty.
    boxes: of training clips alone, if they are trained on.
    """

    name: str
    group: str
    key: str
    label: str | None
    kind: str
    frames: np.ndarray
    is_padding: np.ndarray
    tokens: Mapping[str, np.ndarray]
    has_audio: np.ndarray
    rms_db: np.ndarray
    truth: np.ndarray
    is_labelled: np.ndarray
    boxes: tuple[ClipBox, ...] = ()

    @property
    def seconds(self) -> int:
        """The number of seconds."""
        return len(self.frames)

    @property
    def has_truth(self) -> np.ndarray:
        """Whether the second is labelled and something in the picture sounds, bool (K,)."""
        return self.is_labelled & self.truth.any(axis=(1, 2))
