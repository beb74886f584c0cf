"""The report reads spots of recordings on the clocks of halves, and sums them up by match."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unmuted.dataset.events import Event, Spot
from unmuted.errors import UserError
from unmuted.systems.highlights.report import (
    TestRecording,
    check_unread,
    events_by_kind,
    match_truth,
    notes_on_kinds,
    ready_arm,
    reel_section,
)
from unmuted.systems.highlights.spot_arrays import pack_spots

KINDS = ("Goal", "Penalty")
RATE = 5.0


def recording(match: str, halves: dict[str, float], steps: int, *spots: Spot) -> TestRecording:
    clip: Any = SimpleNamespace(group=match, video_id=f"{match}-{min(halves)}")
    targets = {
        "halves": halves,
        "events": [
            {
                "half": int(half),
                "milliseconds": 4_000,
                "file_milliseconds": round(1000 * start) + 4_000,
                "kind": "Goal",
                "is_shown": half == "1",
            }
            for half, start in halves.items()
        ],
    }
    arrays = {
        "shown": np.ones(steps, bool),
        "trained_on": np.array([False]),
        "rate": np.array([RATE]),
        "thresholds": np.array([0.5, 0.5]),
        **pack_spots(spots, KINDS),
    }
    return TestRecording(clip, targets, arrays)


def test_halves_of_a_match_are_one_whether_in_one_file_or_two() -> None:
    one_file = recording("a", {"1": 1.0, "2": 51.0}, 500)
    two_files = [recording("b", {"1": 0.0}, 250), recording("b", {"2": 0.0}, 245)]
    first, second = match_truth([*two_files, one_file])
    assert (first.name, second.name) == ("a", "b")
    assert first.seconds == {1: 50.0, 2: 49.0}
    assert second.seconds == {1: 50.0, 2: 49.0}
    assert first.events == second.events
    counts = events_by_kind([*first.events, Event(1, 5, "Goal")], KINDS)
    assert counts == {"Goal": {"shown": 2, "unshown": 1}, "Penalty": {"shown": 0, "unshown": 0}}


def test_a_ready_spotter_is_scored_on_the_clocks_of_halves() -> None:
    spots = Spot(1, 4_000, "Goal", 0.9), Spot(2, 4_000, "Goal", 0.8)
    found = recording("a", {"1": 1.0, "2": 51.0}, 500, *spots)
    found.arrays["thresholds"][1] = np.nan
    truth = match_truth([found])
    arm = ready_arm([found], truth, KINDS, seeds=3)
    assert arm.untrained == ("Penalty",)
    scored = arm.scored("no_stream")
    assert len(scored) == 3
    assert scored[0].f1.tolist() == [[2, 2, 2]]
    assert scored[0].counts.truths[0, 0].tolist() == pytest.approx([2, 0])


def test_a_ready_spotter_is_not_scored_on_what_it_was_trained_on() -> None:
    read, other = (recording(name, {"1": 0.0}, 50) for name in "ab")
    check_unread([read, other], "spotter")
    read.arrays["trained_on"][:] = True
    with pytest.raises(UserError, match="the spotter in x was trained or chosen on a: what"):
        check_unread([read, other], "x")


def test_the_reels_of_test_matches_are_summed_up() -> None:
    """A match of which nothing could be scored has no metrics, and is counted as a match."""
    known = {
        "shown_events": 3,
        "shown_events_in_reel": 2,
        "segments": 4,
        "segments_without_event": 1,
        "seconds": 50.5,
    }
    nothing_found = {"segments": [], "reason": "nothing was found"}
    records = {
        "a": {"metrics.json": json.dumps({"reel": known}), "segments": [{}] * 4, "reason": ""},
        "b": dict(nothing_found),
    }
    job: Any = SimpleNamespace(
        config={"highlights": {"method": "spotter", "arm": "both", "spotter": {"path": None}}},
        videos={name: SimpleNamespace(unit=name[0]) for name in ("a-1", "a-2", "b-1")},
        artifacts=lambda stage, units: {
            unit: SimpleNamespace(json=lambda unit=unit: records[unit]) for unit in units
        },
    )
    recordings = [
        recording("a", {"1": 0.0}, 5),
        recording("a", {"2": 0.0}, 5),
        recording("b", {"1": 0.0}, 5),
    ]
    found = reel_section(job, recordings)
    assert (found["arm"], found["matches"], found["segments"]) == ("both", 2, 4)
    assert (found["recall"], found["precision"]) == pytest.approx((2 / 3, 3 / 4))
    assert found["by_match"] == {
        "a": {"segments": 4, "why_none": None},
        "b": {"segments": 0, "why_none": "nothing was found"},
    }
    records["a"] = dict(nothing_found)
    nothing = reel_section(job, recordings)
    assert (nothing["recall"], nothing["precision"], nothing["seconds"]) == (None, None, 0.0)


def test_kinds_without_events_are_said_in_words() -> None:
    without = {"training": ["Penalty"], "validation": ["Goal", "Penalty"], "test": []}
    first, second = notes_on_kinds(without)
    assert first.startswith("no training match has an event of Penalty: no spotter finds it")
    assert second.startswith("no validation match has an event of Goal: its window")
    assert notes_on_kinds({"training": None, "validation": None, "test": []}) == []
