"""A sample of an experiment: a video or a part of it, and its target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Interval:
    """The part [start_s, end_s) of a video, in seconds after its first frame."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s < math.inf:
            raise ValueError(f"expected 0 <= start < end, found [{self.start_s}, {self.end_s}) s")

    def __contains__(self, time_s: float) -> bool:
        return self.start_s <= time_s < self.end_s


@dataclass(frozen=True)
class Label:
    """The class of the whole sample."""

    name: str


@dataclass(frozen=True)
class Event:
    """An event of a kind at a time, in seconds after the video's first frame."""

    time_s: float
    kind: str


@dataclass(frozen=True)
class Events:
    """All events in the sample; there may be none."""

    events: tuple[Event, ...]


@dataclass(frozen=True)
class Masks:
    """Which pixels belong to the target: images in a folder, in the order of time."""

    folder: Path


Target = Label | Events | Masks


@dataclass(frozen=True)
class Sample:
    """One sample.

    target: None if it is unknown. interval: None for the whole video. Raises ValueError for an
    event outside of the interval.
    """

    video_id: str
    target: Target | None
    interval: Interval | None = None

    def __post_init__(self) -> None:
        if self.interval is None or not isinstance(self.target, Events):
            return
        interval = self.interval
        if outside := [event for event in self.target.events if event.time_s not in interval]:
            raise ValueError(f"{self.video_id}: {outside[0]} does not lie in {self.interval}")

    @classmethod
    def of_video(cls, video_id: str, label: str | None) -> Sample:
        """Make the sample of a whole video; label: its class, None if it is unknown."""
        return cls(video_id, None if label is None else Label(label))

    @property
    def label(self) -> str | None:
        """The class; None if it is unknown. Raises TypeError for a target of another type."""
        if self.target is None:
            return None
        if not isinstance(self.target, Label):
            found = type(self.target).__name__
            raise TypeError(f"{self.video_id}: expected a label as target, found {found}")
        return self.target.name
