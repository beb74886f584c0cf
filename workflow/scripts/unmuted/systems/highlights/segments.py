"""Which segments of the recordings a reel shows: windows around spots, merged and bounded.

Times are whole milliseconds of a recording, so that no rounding adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

# recording, first and last possible time -> the time of the lowest score, milliseconds
LowestBetween = Callable[[str, int, int], int]


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
    """How segments are made, milliseconds.

    windows: of kinds that have a window of their own. Raises ValueError for windows that a segment
    of the greatest length could not hold.
    """

    window: Window = Window()
    windows: Mapping[str, Window] = field(default_factory=dict)
    gap: int = 2_000  # segments closer than this become one
    longest: int = 60_000  # a longer segment is split

    def __post_init__(self) -> None:
        windows = (self.window, *self.windows.values())
        needed = max(w.before for w in windows) + max(w.after for w in windows)
        if needed > self.longest:
            raise ValueError(
                f"windows of {needed} ms are longer than the longest segment, {self.longest} ms"
            )

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
    moments: Sequence[Moment],
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
        ValueError: a moment lies outside its recording, or `lowest` gives a time outside.
    """
    merged = _merged(moments, durations, settings)
    return [part for segment in merged for part in _split(segment, settings, lowest)]


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
    for moment in sorted(moments, key=lambda moment: (-moment.score, moment)):
        trial = [*kept, moment]
        if sum(segment.length for segment in _merged(trial, durations, settings)) > budget:
            break
        kept = trial
    return sorted(kept)


def whole_frames(segment: Segment, rate: Fraction) -> tuple[Fraction, int]:
    """Return the start in seconds, and how many output frames the segment takes, at least one.

    rate: output frames a second. Lengths of whole frames keep picture and sound together over many
    seams, where the rounding of each would add up.
    """
    return Fraction(segment.start, 1000), max(1, round(Fraction(segment.length, 1000) * rate))


def _merged(
    moments: Iterable[Moment], durations: Mapping[str, int], settings: ReelSettings
) -> list[Segment]:
    """Return the windows of moments, joined where those of a recording overlap or almost touch."""
    order = {recording: place for place, recording in enumerate(durations)}
    windows = [_window(moment, durations, settings) for moment in sorted(moments)]
    windows.sort(key=lambda window: (order[window.recording], window.start, window.end))
    merged: list[Segment] = []
    for window in windows:
        last = merged[-1] if merged else None
        if last and last.recording == window.recording and _touch(last, window, settings):
            inside = tuple(sorted((*last.moments, *window.moments)))
            end = max(last.end, window.end)
            merged[-1] = Segment(last.recording, last.start, end, inside)
        else:
            merged.append(window)
    return merged


def _touch(earlier: Segment, later: Segment, settings: ReelSettings) -> bool:
    return later.start <= earlier.end or later.start - earlier.end < settings.gap


def _window(moment: Moment, durations: Mapping[str, int], settings: ReelSettings) -> Segment:
    duration = durations.get(moment.recording, -1)
    if not 0 <= moment.milliseconds <= duration:
        raise ValueError(f"{moment} lies outside the recordings {dict(durations)}")
    window = settings.window_of(moment.kind)
    start = max(moment.milliseconds - window.before, 0)
    end = min(moment.milliseconds + window.after, duration)
    return Segment(moment.recording, start, end, (moment,))


def _split(segment: Segment, settings: ReelSettings, lowest: LowestBetween) -> list[Segment]:
    """Split a segment that is too long where the score between its moments is lowest."""
    if segment.length <= settings.longest:
        return [segment]
    first, last = segment.moments[0].milliseconds, segment.moments[-1].milliseconds
    if first == last:
        return [_cut_to_windows(segment, settings)]
    cut = lowest(segment.recording, first + 1, last)
    if not first < cut <= last:
        raise ValueError(f"the split at {cut} ms is not between {first} and {last} ms")
    early = tuple(moment for moment in segment.moments if moment.milliseconds < cut)
    parts = (
        Segment(segment.recording, segment.start, cut, early),
        Segment(segment.recording, cut, segment.end, segment.moments[len(early) :]),
    )
    return [part for whole in parts for part in _split(whole, settings, lowest)]


def _cut_to_windows(segment: Segment, settings: ReelSettings) -> Segment:
    """Leave out what moments cut away from this segment had brought into it."""
    windows = [settings.window_of(moment.kind) for moment in segment.moments]
    time = segment.moments[0].milliseconds
    start = max(segment.start, time - max(window.before for window in windows))
    end = min(segment.end, time + max(window.after for window in windows))
    return Segment(segment.recording, start, end, segment.moments)
