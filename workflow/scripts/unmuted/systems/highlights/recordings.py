"""Recordings of matches as steps of time: features of the picture, of the sound, and events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from unmuted.engine.tensors import TensorFile


class Rows(Protocol):
    """Features (S, D) of S steps, read by slices: an array, or a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(S, D)."""
        ...

    def __getitem__(self, steps: slice) -> np.ndarray: ...


@dataclass(frozen=True)
class FileRows:
    """An array of a safetensors file, of which only slices are in memory."""

    file: TensorFile
    name: str

    @property
    def shape(self) -> tuple[int, ...]:
        """(S, ...)."""
        return self.file.shape(self.name)

    def __getitem__(self, steps: slice) -> np.ndarray:
        return self.file.rows(self.name, steps.start or 0, steps.stop)


@dataclass(frozen=True)
class Moment:
    """A labelled event in a file. kind: its index among the kinds of the run."""

    seconds: float
    kind: int


@dataclass(frozen=True)
class HalfStart:
    """Where the clock of a half is 0 in a file, seconds."""

    half: int
    seconds: float


@dataclass(frozen=True)
class Recording:
    """A recording of S steps, `rate` of them a second; step i is at i / rate seconds of the file.

    Attributes:
        name: its video id.
        match: the canonical group of its match.
        key: digest of its content.
        visual: (S, F).
        shown: bool (S,), steps that have a picture.
        sound: projected, float32 (S, A), of the training mean where there is none.
        has_sound: bool (S,).
        events: highlights, in the order of time.
        others: seconds of other labelled events and of replays.
        halves: where the halves begin that are in the file, in the order of time.
        imputed: by imputation, sound float32 (S, A) that is read where there is none.
    """

    name: str
    match: str
    key: str
    visual: Rows
    shown: np.ndarray
    sound: Rows
    has_sound: np.ndarray
    events: tuple[Moment, ...] = ()
    others: tuple[float, ...] = ()
    halves: tuple[HalfStart, ...] = (HalfStart(1, 0.0),)
    imputed: Mapping[str, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(self.shown), len(self.has_sound), self.visual.shape[0], self.sound.shape[0]}
        if len(lengths) != 1:
            raise ValueError(f"{self.name}: arrays of {sorted(lengths)} steps, expected one length")

    @property
    def steps(self) -> int:
        """Return S."""
        return len(self.shown)
