"""The highlights of a match: what its table says, what its reel shows, and how well."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from pydantic import ValidationError

from unmuted.config.reel import ReelSection
from unmuted.dataset.events import Event, Spot
from unmuted.systems.highlights.picking import (
    COLUMNS,
    RecordingScores,
    match_metrics,
    pick,
    reel_metrics,
    table_text,
)
from unmuted.systems.highlights.segments import Segment

pytestmark = pytest.mark.unit
KINDS = ("Goal", "Penalty")
RATE = 5.0


def recording(
    name: str, spots: list[tuple[int, str, float]], seconds: int = 120, half: int = 1, **changes
) -> RecordingScores:
    """Scores that are those of the spots, (milliseconds, kind, score), at their steps."""
    scores = np.zeros((int(seconds * RATE), len(KINDS)))
    for time, kind, score in spots:
        scores[round(time * RATE / 1000), KINDS.index(kind)] = score
    fields = {
        "recording": name,
        "arm": "both",
        "duration": 1000 * seconds,
        "half_starts": {half: 0},
        "rate": RATE,
        "scores": scores,
        "valid": np.ones(len(scores), bool),
        "spots": tuple(Spot(half, *spot) for spot in spots),
    }
    return RecordingScores(**(fields | changes))


def rows_of(text: str) -> list[dict[str, str]]:
    comment, table = text.split("\n", 1)
    assert comment.startswith("#")
    return list(csv.DictReader(table.splitlines()))


def test_the_table_ranks_moments_of_both_halves_and_says_which_are_shown() -> None:
    halves = [
        recording("m-1", [(20_000, "Goal", 0.8), (60_000, "Penalty", 0.3)]),
        recording("m-2", [(2_000, "Goal", 0.9), (118_000, "Penalty", 0.7)], half=2),
    ]
    found = pick(halves, ReelSection(), {"Goal": 0.5, "Penalty": 0.6})
    rows = rows_of(table_text(found))
    assert tuple(rows[0]) == COLUMNS
    shown = [(r["rank"], r["recording"], r["half"], r["start_s"], r["end_s"]) for r in rows]
    assert shown == [
        ("1", "m-2", "2", "0.000", "7.000"),
        ("2", "m-1", "1", "12.000", "25.000"),
        ("3", "m-2", "2", "110.000", "120.000"),
        ("4", "m-1", "1", "52.000", "65.000"),
    ]
    assert [row["in_reel"] for row in rows] == ["true", "true", "true", "false"]
    assert [row["score"] for row in rows] == ["0.9000", "0.8000", "0.7000", "0.3000"]
    # The reel follows the match, not the scores.
    assert [(one.recording, one.start) for one in found.segments] == [
        ("m-1", 12_000),
        ("m-2", 0),
        ("m-2", 110_000),
    ]
    assert found.status == "ok"


def test_the_header_names_the_arm_of_each_recording_where_they_differ() -> None:
    first = recording("m-1", [(20_000, "Goal", 0.8)])
    second = recording("m-2", [], half=2, arm="generated_audio (silent)")
    thresholds = dict.fromkeys(KINDS, 0.5)
    alone = table_text(pick([first], ReelSection(), thresholds))
    assert alone.startswith("# arm: both\n")
    line = table_text(pick([first, second], ReelSection(), thresholds)).split("\n")[0]
    assert line == "# arm of m-1: both; arm of m-2: generated_audio (silent)"


def test_a_match_without_highlights_says_its_best_score() -> None:
    found = pick([recording("m-1", [(20_000, "Goal", 0.4)])], ReelSection(), {"Goal": 0.5})
    assert (found.status, found.segments) == ("no_highlights", ())
    words = "no moment reaches the threshold of its kind; the best score is 0.400"
    assert found.reason == words
    assert rows_of(table_text(found))[0]["in_reel"] == "false"
    nothing = pick([recording("m-1", [])], ReelSection(), {"Goal": 0.5})
    assert (nothing.status, nothing.best_score) == ("no_highlights", None)
    assert nothing.reason == "nothing was found in any recording"
    assert rows_of(table_text(nothing)) == []


def test_the_settings_threshold_and_length_come_before_those_of_validation() -> None:
    match = [
        recording("m-1", [(20_000, "Goal", 0.4), (60_000, "Goal", 0.6), (90_000, "Goal", 0.5)])
    ]
    strict = {"Goal": 0.99}
    assert len(pick(match, ReelSection(threshold=0.5), strict).segments) == 2
    best = pick(match, ReelSection(max_seconds=14), strict).segments
    assert [one.start for one in best] == [52_000]


def test_the_reason_for_no_reel_is_that_of_the_setting_that_decides() -> None:
    """The best moment is above the threshold, but does not fit; near the end a shorter one would.

    The first moment that does not fit ends the choice.
    """
    match = [recording("m-1", [(20_000, "Goal", 0.9), (119_600, "Goal", 0.8)])]
    found = pick(match, ReelSection(max_seconds=10), {"Goal": 0.5})
    assert found.segments == () and found.status == "no_highlights"
    assert found.reason == (
        "the best moment, of score 0.900, needs 13.0 s, more than highlights.reel.max_seconds, 10"
    )
    strict = pick(match, ReelSection(threshold=0.95), {"Goal": 0.5})
    assert strict.reason == (
        "no moment reaches highlights.reel.threshold, 0.95; the best score is 0.900"
    )
    assert pick(match, ReelSection(max_seconds=13), {"Goal": 0.99}).reason == ""


def test_kinds_have_windows_of_their_own() -> None:
    settings = ReelSection(windows={"Penalty": {"before": 20, "after": 10}})
    match = [recording("m-1", [(60_000, "Penalty", 0.9)])]
    (segment,) = pick(match, settings, {"Penalty": 0.5}).segments
    assert (segment.start, segment.end) == (40_000, 70_000)


def test_times_of_a_second_half_in_the_same_file_count_from_its_start() -> None:
    both = recording("m", [], 120, half_starts={1: 0, 2: 60_000})
    both = RecordingScores(
        **{**both.__dict__, "spots": (Spot(1, 20_000, "Goal", 0.9), Spot(2, 20_000, "Goal", 0.8))}
    )
    rows = rows_of(table_text(pick([both], ReelSection(), {"Goal": 0.5})))
    assert [(row["half"], row["time_s"]) for row in rows] == [("1", "20.000"), ("2", "80.000")]


def test_cells_are_no_formulas() -> None:
    kinds_of = recording("=cmd()", [(20_000, "Goal", 0.9)], arm="=1+1")
    text = table_text(pick([kinds_of], ReelSection(), {"Goal": 0.5}))
    assert ",'=cmd()," in text


def test_rows_are_bounded_but_hold_all_that_is_shown() -> None:
    spots = [(1000 * second, "Goal", 0.5 + second / 1000) for second in range(1, 100)]
    match = [recording("m-1", spots)]
    few = pick(match, ReelSection(rows=5, threshold=0.6), {})
    assert len(few.rows) == 5
    assert not any(row.in_reel for row in few.rows)
    shown = pick(match, ReelSection(rows=5, threshold=0.58), {})
    assert len(shown.rows) == sum(row.in_reel for row in shown.rows) == 20


def test_long_segments_are_split_where_the_score_is_lowest() -> None:
    spots = [(1000 * second, "Goal", 0.9) for second in range(10, 110, 5)]
    match = recording("m-1", spots)
    match.scores[:] = np.maximum(match.scores, 0.5)
    match.scores[int(57.4 * RATE)] = 0.1
    segments = pick([match], ReelSection(max_segment=60), {"Goal": 0.5}).segments
    assert [(one.start, one.end) for one in segments] == [(2_000, 57_400), (57_400, 110_000)]


@pytest.mark.parametrize(
    "values",
    [
        {"before": 50, "after": 20},
        {"windows": {"Goal": {"before": 60}}},
        {"before": 0, "after": 0},
        {"threshold": 1.5},
        {"max_seconds": 0},
    ],
)
def test_settings_that_show_nothing_or_do_not_fit_are_refused(values: dict) -> None:
    with pytest.raises(ValidationError):
        ReelSection.model_validate(values)


def test_metrics_of_a_match_have_none_for_kinds_without_an_event() -> None:
    events = [Event(1, 20_000, "Goal"), Event(2, 30_000, "Goal", is_shown=False)]
    spots = [Spot(1, 20_000, "Goal", 0.9), Spot(2, 30_000, "Goal", 0.8)]
    found = match_metrics(events, spots, KINDS)
    assert found["kinds"]["Goal"] == {"events": 2, "tight": 1.0, "loose": 1.0}
    assert found["kinds"]["Penalty"] == {"events": 0, "tight": None, "loose": None}
    assert found["average_map"]["tight"] == {"all": 0.5, "shown": 0.5, "unshown": 0.5}


def test_a_reel_is_scored_by_the_events_that_it_shows() -> None:
    segments = [
        Segment("m-1", 10_000, 20_000, ()),
        Segment("m-2", 0, 5_000, ()),
        Segment("m-3", 0, 5_000, ()),
    ]
    events = {
        "m-1": [
            Event(1, 14_000, "Goal"),
            Event(1, 19_000, "Goal"),
            Event(1, 15_000, "Goal", False),
        ],
        "m-2": [Event(2, 60_000, "Goal")],
        "m-3": [Event(1, 4_000, "Goal")],  # a second before the end of the recording
    }
    assert reel_metrics(segments, events, {"m-1": 90_000, "m-2": 90_000, "m-3": 5_000}) == {
        "shown_events": 4,
        "shown_events_in_reel": 2,
        "segments": 3,
        "segments_without_event": 1,
        "seconds": 20.0,
    }
