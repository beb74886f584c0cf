"""Which segments of the recordings a reel shows: windows around spots, merged and bounded.

Times are whole milliseconds of a recording, so that no rounding adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

LowestBetween = Callable[[str, int, int], int]  # recording, from, to -> time of the lowest score


@dataclass(frozen=True, order=True, slots=True)
class Moment:
    """A spot in a recording: the time in its file, milliseconds."""

    recording: str
    milliseconds: int
    kind: str
    score: float


@dataclass(frozen=True, slots=True)
class Window:
    """What is shown before and after a moment, milliseconds."""

    before: int = 8_000
    after: int = 5_000


@dataclass(frozen=True)
class ReelSettings:
    """How segments are made, milliseconds. windows: of kinds that have a window of their own."""

    window: Window = Window()
    windows: Mapping[str, Window] = field(default_factory=dict)
    gap: int = 2_000  # segments closer than this become one
    longest: int = 60_000  # a longer segment is split

    def window_of(self, kind: str) -> Window:
        """Return the window of a kind."""
        return self.windows.get(kind, self.window)


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording, from `start` up to `end`, milliseconds, and what is in it."""

    recording: str
    start: int
    end: int
    moments: tuple[Moment, ...]

    @property
    def length(self) -> int:
        """Return the milliseconds that it lasts."""
        return self.end - self.start

    @property
    def score(self) -> float:
        """Return the score of its best moment."""
        return max(moment.score for moment in self.moments)


def segments_of(
    moments: Iterable[Moment],
    durations: Mapping[str, int],
    settings: ReelSettings,
    lowest: LowestBetween,
) -> list[Segment]:
    """Return the segments around moments, in the order of recordings and time.

    Args:
        moments: those to show; each ends up in exactly one segment.
        durations: milliseconds of each recording; segments do not leave it.
        settings: windows, and how segments are joined and split.
        lowest: gives the time in an interval at which a split harms least.

    Raises:
        ValueError: a moment lies outside its recording.
    """
    segments = []
    for recording, duration in durations.items():
        inside = sorted(moment for moment in moments if moment.recording == recording)
        for merged in _merged(inside, duration, settings):
            segments += _split(merged, settings, lowest)
    return segments


def above_threshold(moments: Iterable[Moment], threshold: float) -> list[Moment]:
    """Keep moments with at least this score, in the order given."""
    return [moment for moment in moments if moment.score >= threshold]


def within_budget(
    moments: Sequence[Moment], budget: int, durations: Mapping[str, int], settings: ReelSettings
) -> list[Moment]:
    """Keep the best moments whose segments together last at most `budget` milliseconds.

    Moments are taken from the best one down, and the first that does not fit ends it: a longer reel
    of a match shows all that a shorter one shows, and nothing better is left out for a worse one.
    """
    kept: list[Moment] = []
    for moment in sorted(moments, key=lambda one: (-one.score, one)):
        trial = [*kept, moment]
        total = 0
        for recording, duration in durations.items():
            inside = sorted(one for one in trial if one.recording == recording)
            total += sum(one.length for one in _merged(inside, duration, settings))
        if total > budget:
            break
        kept = trial
    return sorted(kept)


def whole_frames(segment: Segment, rate: Fraction) -> tuple[Fraction, int]:
    """Return the start in seconds, and how many output frames the segment takes, at least one.

    rate: output frames a second. Lengths of whole frames keep picture and sound together over many
    seams, where the rounding of each would add up.
    """
    return Fraction(segment.start, 1000), max(1, round(Fraction(segment.length, 1000) * rate))


def _merged(moments: Sequence[Moment], duration: int, settings: ReelSettings) -> list[Segment]:
    """Return windows of one recording's moments, joined where they overlap or almost touch."""
    windows = sorted((_window(moment, duration, settings) for moment in moments), key=_by_time)
    merged: list[Segment] = []
    for one in windows:
        if merged and one.start - merged[-1].end < settings.gap:
            last = merged.pop()
            end, moments = max(last.end, one.end), (*last.moments, *one.moments)
            one = Segment(one.recording, last.start, end, tuple(sorted(moments)))
        merged.append(one)
    return merged


def _by_time(segment: Segment) -> tuple[int, int]:
    return segment.start, segment.end


def _window(moment: Moment, duration: int, settings: ReelSettings) -> Segment:
    if not 0 <= moment.milliseconds <= duration:
        raise ValueError(f"{moment} lies outside its recording of {duration} ms")
    window = settings.window_of(moment.kind)
    start = max(moment.milliseconds - window.before, 0)
    end = min(moment.milliseconds + window.after, duration)
    return Segment(moment.recording, start, end, (moment,))


def _split(segment: Segment, settings: ReelSettings, lowest: LowestBetween) -> list[Segment]:
    """Split a segment that is too long where the score between its moments is lowest."""
    times = [moment.milliseconds for moment in segment.moments]
    if segment.length <= settings.longest or times[-1] - times[0] < 2:
        return [segment]
    cut = lowest(segment.recording, times[0] + 1, times[-1])
    if not times[0] < cut <= times[-1]:
        raise ValueError(f"the split at {cut} ms is not between {times[0]} and {times[-1]} ms")
    early = tuple(moment for moment in segment.moments if moment.milliseconds < cut)
    late = segment.moments[len(early) :]
    parts = (
        Segment(segment.recording, segment.start, cut, early),
        Segment(segment.recording, cut, segment.end, late),
    )
    return [part for whole in parts for part in _split(whole, settings, lowest)]
