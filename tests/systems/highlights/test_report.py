"""The report reads spots of recordings on the clocks of halves, and sums them up by match."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unmuted.dataset.events import Event
from unmuted.errors import UserError
from unmuted.systems.highlights.report import (
    TestRecording,
    check_unread,
    events_by_kind,
    match_truth,
    ready_arm,
    reel_section,
    stored_spots,
)

KINDS = ("Goal", "Penalty")
RATE = 5.0


def recording(match: str, halves: dict[str, float], steps: int, *spots: tuple) -> TestRecording:
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
    columns = list(zip(*spots, strict=True)) or [(), (), ()]
    arrays = {
        "shown": np.ones(steps, bool),
        "trained_on": np.array([False]),
        "rate": np.array([RATE]),
        "thresholds": np.array([0.5, 0.5]),
        "spot_steps": np.array(columns[0], np.int32),
        "spot_kinds": np.array(columns[1], np.int32),
        "spot_scores": np.array(columns[2], np.float32),
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
    found = recording("a", {"1": 1.0, "2": 51.0}, 500, (25, 0, 0.9), (275, 0, 0.8), (2, 1, 0.7))
    spots = stored_spots(found, KINDS, RATE)
    assert [(s.half, s.milliseconds, s.kind) for s in spots] == [
        (1, 4000, "Goal"),
        (2, 4000, "Goal"),
    ]
    truth = match_truth([found])
    arm = ready_arm([found], truth, KINDS, RATE, seeds=3)
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
    records = {"a": {"metrics.json": json.dumps({"reel": known})}, "b": {}}
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
    records["a"] = {}
    nothing = reel_section(job, recordings)
    assert (nothing["recall"], nothing["precision"], nothing["seconds"]) == (None, None, 0.0)
