"""The highlights of a match: its best moments, those that a reel shows, and their table."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.config.reel import ReelSection
from unmuted.dataset.events import Event, Spot
from unmuted.systems.highlights.segments import (
    Moment,
    ReelSettings,
    Segment,
    Window,
    above_threshold,
    segments_of,
    within_budget,
)
from unmuted.systems.highlights.spotting_metric import (
    TOLERANCES,
    VIEWS,
    average_map,
    average_precision,
    count_spots,
)
from unmuted.text import cell

COLUMNS = (
    *("rank", "recording", "half", "start_s", "end_s", "time_s", "kind", "score", "in_reel"),
)
NO_HIGHLIGHTS = "no_highlights"
BEFORE_EVENT, AFTER_EVENT = 4_000, 2_000  # milliseconds of an event that a segment has to show


@dataclass(frozen=True)
class RecordingScores:
    """What was found in one recording.

    Attributes:
        recording: its id.
        arm: which system made the scores, with what in place of missing sound.
        duration: milliseconds.
        half_starts: milliseconds of the file at which each half's clock is 0, by half.
        rate: steps a second.
        scores: (S, K), of each step and kind.
        valid: bool (S,), steps with a picture.
        spots: on the clocks of its halves.
    """

    recording: str
    arm: str
    duration: int
    half_starts: Mapping[int, int]
    rate: float
    scores: np.ndarray
    valid: np.ndarray
    spots: tuple[Spot, ...]

    def moments(self) -> list[Moment]:
        """Return the spots at their times in the file, those within it."""
        found = [
            Moment(
                self.recording,
                self.half_starts[spot.half] + spot.milliseconds,
                spot.kind,
                spot.score,
            )
            for spot in self.spots
            if spot.half in self.half_starts
        ]
        return [moment for moment in found if 0 <= moment.milliseconds <= self.duration]

    def half_at(self, milliseconds: int) -> int:
        """Return the half that a time in the file belongs to: the last that has begun."""
        begun = [half for half, start in self.half_starts.items() if start <= milliseconds]
        return max(begun, key=lambda half: self.half_starts[half], default=min(self.half_starts))

    def lowest_between(self, first: int, last: int) -> int:
        """Return the time from `first` to `last` at which the best score of all kinds is lowest."""
        steps = np.arange(len(self.scores))
        times = np.round(1000 * steps / self.rate).astype(int)
        inside = np.flatnonzero((first <= times) & (times <= last))
        if not len(inside):
            return first
        best = np.where(self.valid[inside], self.scores[inside].max(axis=1), 0)
        return int(times[inside[best.argmin()]])


@dataclass(frozen=True)
class Row:
    """A moment in the table; start and end: the segment that shows it, else its own window."""

    moment: Moment
    half: int
    start: int
    end: int
    in_reel: bool


@dataclass(frozen=True)
class Highlights:
    """The highlights of a match.

    arms: by recording. best_score: of all spots, None without any. reason: why there is no reel,
    for the ledger; empty where there is one.
    """

    arms: Mapping[str, str]
    rows: tuple[Row, ...]
    segments: tuple[Segment, ...]
    best_score: float | None
    reason: str

    @property
    def status(self) -> str:
        """Return `ok`, or `no_highlights` where a reel would show nothing."""
        return "ok" if self.segments else NO_HIGHLIGHTS


def segment_settings(settings: ReelSection) -> ReelSettings:
    """Return the settings in milliseconds."""

    def window(before: float, after: float) -> Window:
        return Window(round(1000 * before), round(1000 * after))

    return ReelSettings(
        window(settings.before, settings.after),
        {kind: window(one.before, one.after) for kind, one in settings.windows.items()},
        round(1000 * settings.gap),
        round(1000 * settings.max_segment),
    )


def pick(
    recordings: Sequence[RecordingScores], settings: ReelSection, thresholds: Mapping[str, float]
) -> Highlights:
    """Choose what a reel of the match shows, and rank its moments.

    Args:
        recordings: of one match, in the order in which the reel shows them.
        settings: of the reel; its own threshold, if there is one, counts in place of the others.
        thresholds: of each kind, as chosen on validation matches. A kind without one is not shown.

    Raises:
        ValueError: a recording comes twice.
    """
    by_id = {one.recording: one for one in recordings}
    if len(by_id) < len(recordings):
        raise ValueError(f"recordings come twice: {[one.recording for one in recordings]}")
    durations = {one.recording: one.duration for one in recordings}
    moments = [moment for one in recordings for moment in one.moments()]
    in_milliseconds = segment_settings(settings)
    shown = _shown(moments, settings, thresholds, durations, in_milliseconds)

    def lowest(recording: str, first: int, last: int) -> int:
        return by_id[recording].lowest_between(first, last)

    segments = segments_of(shown, durations, in_milliseconds, lowest)
    rows = _rows(moments, segments, by_id, in_milliseconds, settings.rows)
    return Highlights(
        {one.recording: one.arm for one in recordings},
        tuple(rows),
        tuple(segments),
        max((moment.score for moment in moments), default=None),
        "" if segments else _why_nothing(moments, settings, durations, in_milliseconds),
    )


def table_text(highlights: Highlights) -> str:
    """Return highlights.csv: a comment that names the arm, the header, and a row a moment."""
    text = io.StringIO()
    text.write(f"# {cell(arm_line(highlights.arms))}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for rank, row in enumerate(highlights.rows, 1):
        times = [f"{ms / 1000:.3f}" for ms in (row.start, row.end, row.moment.milliseconds)]
        what = [cell(row.moment.kind), f"{row.moment.score:.4f}", str(row.in_reel).lower()]
        writer.writerow([rank, cell(row.moment.recording), row.half, *times, *what])
    return text.getvalue()


def arm_line(arms: Mapping[str, str]) -> str:
    """Return which arm found the highlights, of each recording where they differ."""
    if len(set(arms.values())) == 1:
        line = f"arm: {next(iter(arms.values()))}"
    else:
        line = "; ".join(f"arm of {recording}: {arm}" for recording, arm in arms.items())
    return " ".join(line.split())


def match_metrics(
    events: Sequence[Event],
    spots: Sequence[Spot],
    kinds: Sequence[str],
    untrained: Collection[str] = (),
) -> dict[str, Any]:
    """Return the metrics of one match; None of a kind without an event, or that was not trained.

    Their mean counts such a kind as 0, as the reference does: see `spotting_metric`.
    """
    counts = count_spots([(events, spots)], kinds)
    truths = counts.truths[0]
    by_kind = {}
    for place, kind in enumerate(kinds):
        has_figures = bool(truths[0, place]) and kind not in untrained
        by_kind[kind] = {
            "events": int(truths[0, place]),
            **{
                metric: float(average_precision(counts, metric)[0, 0, place])
                if has_figures
                else None
                for metric in ("tight", "loose")
            },
        }
    average = {
        metric: dict(zip(VIEWS, map(float, average_map(counts, metric)[0]), strict=True))
        for metric in TOLERANCES
    }
    return {"events": int(truths[0].sum()), "average_map": average, "kinds": by_kind}


def reel_metrics(
    segments: Sequence[Segment],
    events: Mapping[str, Sequence[Event]],
    durations: Mapping[str, int],
) -> dict[str, Any]:
    """Return how well segments show the events.

    events: of each recording, at their times in the file. durations: of each, in milliseconds.
    Shown is an event whose surroundings, from 4 s before to 2 s after it, lie in one segment as far
    as the recording has them.
    """
    truths = [
        (recording, event) for recording, some in events.items() for event in some if event.is_shown
    ]
    covered = sum(
        any(
            segment.recording == recording
            and covers(segment.start, segment.end, event.milliseconds, durations[recording])
            for segment in segments
        )
        for recording, event in truths
    )
    empty = sum(
        not any(
            segment.start <= event.milliseconds < segment.end
            for event in events.get(segment.recording, ())
        )
        for segment in segments
    )
    return {
        "shown_events": len(truths),
        "shown_events_in_reel": covered,
        "segments": len(segments),
        "segments_without_event": empty,
        "seconds": sum(segment.length for segment in segments) / 1000,
    }


def covers(start: int, end: int, milliseconds: int, duration: int) -> bool:
    """Return whether a segment shows an event with its surroundings, as far as they were recorded.

    start, end: of the segment. duration: of its recording. All in milliseconds.
    """
    begins = start <= max(0, milliseconds - BEFORE_EVENT)
    return begins and min(milliseconds + AFTER_EVENT, duration) <= end


def _shown(
    moments: Sequence[Moment],
    settings: ReelSection,
    thresholds: Mapping[str, float],
    durations: Mapping[str, int],
    in_milliseconds: ReelSettings,
) -> list[Moment]:
    if settings.max_seconds is not None:
        budget = round(1000 * settings.max_seconds)
        return within_budget(moments, budget, durations, in_milliseconds)
    if settings.threshold is not None:
        return above_threshold(moments, settings.threshold)
    return [
        moment for moment in moments if moment.score >= thresholds.get(moment.kind, float("inf"))
    ]


def _why_nothing(
    moments: Sequence[Moment],
    settings: ReelSection,
    durations: Mapping[str, int],
    in_milliseconds: ReelSettings,
) -> str:
    """Say why a reel shows none of the moments; settings decide as in `_shown`."""
    if not moments:
        return "nothing was found in any recording"
    best = min(moments, key=lambda moment: (-moment.score, moment))
    if settings.max_seconds is not None:
        [segment] = segments_of([best], durations, in_milliseconds, lambda *_: 0)
        return (
            f"the best moment, of score {best.score:.3f}, needs {segment.length / 1000:.1f} s, "
            f"more than highlights.reel.max_seconds, {settings.max_seconds:g}"
        )
    if settings.threshold is not None:
        wanted = f"highlights.reel.threshold, {settings.threshold:g}"
    else:
        wanted = "the threshold of its kind"
    return f"no moment reaches {wanted}; the best score is {best.score:.3f}"


def _rows(
    moments: Sequence[Moment],
    segments: Sequence[Segment],
    recordings: Mapping[str, RecordingScores],
    settings: ReelSettings,
    most: int,
) -> list[Row]:
    """Return the best moments, and all that are shown, from the best one down."""
    segment_of = {moment: segment for segment in segments for moment in segment.moments}
    ranked = sorted(moments, key=lambda moment: (-moment.score, moment))
    chosen = [m for place, m in enumerate(ranked) if place < most or m in segment_of]
    rows = []
    for moment in chosen:
        recording = recordings[moment.recording]
        window = settings.window_of(moment.kind)
        start = max(0, moment.milliseconds - window.before)
        end = min(moment.milliseconds + window.after, recording.duration)
        if (segment := segment_of.get(moment)) is not None:
            start, end = segment.start, segment.end
        half = recording.half_at(moment.milliseconds)
        rows.append(Row(moment, half, start, end, segment is not None))
    return rows
