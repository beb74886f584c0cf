"""Samples: parts of videos, and targets of three types."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmuted.samples.sample import Event, Events, Interval, Label, Masks, Sample


def test_an_interval_holds_its_start_and_not_its_end() -> None:
    part = Interval(1.0, 2.5)
    assert 1.0 in part and 2.49 in part
    assert 2.5 not in part and 0.99 not in part


@pytest.mark.parametrize(
    ("start", "end"), [(-1, 2), (2, 2), (3, 2), (0, float("inf")), (float("nan"), 1)]
)
def test_an_interval_that_is_none_is_refused(start: float, end: float) -> None:
    with pytest.raises(ValueError, match="expected 0 <= start < end, found"):
        Interval(start, end)


def test_only_a_label_is_a_class() -> None:
    assert Sample.of_video("a", "rain") == Sample("a", Label("rain"), None)
    assert Sample.of_video("a", "rain").label == "rain"
    assert Sample.of_video("a", None).label is None
    for target in (Events(()), Masks(Path("masks"))):
        with pytest.raises(TypeError, match="a: expected a label as target, found"):
            _ = Sample("a", target).label


def test_events_lie_in_the_interval() -> None:
    goal = Events((Event(3.0, "Goal"),))
    assert Sample("a", goal).target == Sample("a", goal, Interval(3, 4)).target == goal
    with pytest.raises(ValueError, match=r"a: Event\(time_s=3.0, kind='Goal'\) does not lie in"):
        Sample("a", goal, Interval(1, 3))
