"""Segments of a reel: windows, merging, splitting, budget, whole frames."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmuted.systems.highlights.segments import (
    Moment,
    ReelSettings,
    Segment,
    Window,
    above_threshold,
    segments_of,
    whole_frames,
    within_budget,
)

DURATIONS = {"first": 300_000, "second": 200_000}
SETTINGS = ReelSettings(windows={"Penalty": Window(2_000, 12_000)})


def middle(recording: str, first: int, last: int) -> int:
    return (first + last) // 2


def goal(seconds: float, score: float = 0.5, recording: str = "first") -> Moment:
    return Moment(recording, int(1000 * seconds), "Goal", score)


def spans(segments: list[Segment]) -> list[tuple[str, int, int]]:
    return [(one.recording, one.start, one.end) for one in segments]


def test_windows_are_clamped_to_the_recording() -> None:
    moments = [goal(0), goal(299.5), Moment("second", 50_000, "Penalty", 0.9)]
    assert spans(segments_of(moments, DURATIONS, SETTINGS, middle)) == [
        ("first", 0, 5_000),
        ("first", 291_500, 300_000),
        ("second", 48_000, 62_000),
    ]


def test_close_windows_become_one_and_others_do_not() -> None:
    def count(apart: float) -> int:
        return len(segments_of([goal(50), goal(50 + apart)], DURATIONS, SETTINGS, middle))

    assert count(13) == count(14.999) == 1  # they touch; the gap is just below 2 s
    assert count(15) == 2
    same = segments_of(
        [goal(50, 0.2), Moment("first", 50_000, "Penalty", 0.9)], DURATIONS, SETTINGS, middle
    )
    assert spans(same) == [("first", 42_000, 62_000)]
    assert same[0].score == 0.9
    assert {moment.kind for moment in same[0].moments} == {"Goal", "Penalty"}


def test_a_window_inside_another_does_not_shorten_it() -> None:
    moments = [Moment("first", 50_000, "Penalty", 0.9), goal(56.5)]
    assert spans(segments_of(moments, DURATIONS, SETTINGS, middle)) == [("first", 48_000, 62_000)]


def test_the_end_of_one_recording_does_not_touch_the_start_of_the_next() -> None:
    moments = [goal(299), goal(1, recording="second")]
    assert len(segments_of(moments, DURATIONS, SETTINGS, middle)) == 2


def test_a_long_segment_is_split_at_the_lowest_score() -> None:
    moments = [goal(20 + 10 * i) for i in range(7)]  # 12 s to 85 s

    def lowest(recording: str, first: int, last: int) -> int:
        assert (first, last) == (20_001, 80_000)
        return 33_000

    segments = segments_of(moments, DURATIONS, SETTINGS, lowest)
    assert spans(segments) == [("first", 12_000, 33_000), ("first", 33_000, 85_000)]
    assert [len(one.moments) for one in segments] == [2, 5]


def test_a_moment_at_the_split_belongs_to_what_follows() -> None:
    moments = [goal(20 + 10 * i) for i in range(7)]
    early, late = segments_of(moments, DURATIONS, SETTINGS, lambda *_: 50_000)
    assert early.moments == tuple(moments[:3])
    assert late.moments == tuple(moments[3:])


def test_the_budget_takes_the_best_first_and_stops_where_one_does_not_fit() -> None:
    moments = [goal(50, 0.3), goal(100, 0.9), goal(150, 0.6), goal(155, 0.1)]
    for budget, scores in {
        12_999: [],
        13_000: [0.9],
        38_000: [0.9, 0.6],
        39_000: [0.3, 0.9, 0.6],
        43_999: [0.3, 0.9, 0.6],
        44_000: [0.3, 0.9, 0.6, 0.1],
    }.items():
        kept = within_budget(moments, budget, DURATIONS, SETTINGS)
        assert [one.score for one in kept] == scores, budget
    assert above_threshold(moments, 0.3) == moments[:3]


def test_a_length_is_whole_frames() -> None:
    rate = Fraction(30_000, 1001)
    start, frames = whole_frames(Segment("first", 1_500, 14_500, (goal(10),)), rate)
    assert start == Fraction(3, 2)
    assert frames == 390  # 389.6
    assert whole_frames(Segment("first", 0, 1, (goal(0),)), rate)[1] == 1


def test_refuses_moments_outside_and_windows_longer_than_a_segment() -> None:
    for moment in (goal(301), goal(-1), goal(1, recording="third")):
        with pytest.raises(ValueError, match="outside the recordings"):
            segments_of([moment], DURATIONS, SETTINGS, middle)
    with pytest.raises(ValueError, match="longer than the longest segment"):
        ReelSettings(Window(8_000, 5_000), longest=12_000)
    with pytest.raises(ValueError, match="not between"):
        segments_of([goal(20 + 10 * i) for i in range(7)], DURATIONS, SETTINGS, lambda *_: 0)


MOMENTS = st.lists(
    st.builds(
        Moment,
        st.sampled_from(sorted(DURATIONS)),
        st.integers(0, 200_000),
        st.sampled_from(["Goal", "Penalty"]),
        st.sampled_from([0.1, 0.5, 0.5, 0.9]),
    ),
    max_size=40,
    unique_by=lambda moment: (moment.recording, moment.milliseconds, moment.kind),
)


@given(MOMENTS, st.sampled_from([20_000, 60_000]), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_segments_hold_each_moment_once_and_are_short_and_apart(
    moments: list[Moment], longest: int, random
) -> None:
    reel = ReelSettings(windows=SETTINGS.windows, longest=longest)
    segments = segments_of(moments, DURATIONS, reel, lambda _, *ends: random.randint(*ends))
    assert sorted(moment for one in segments for moment in one.moments) == sorted(moments)
    for one in segments:
        assert 0 <= one.start < one.end <= DURATIONS[one.recording]
        assert one.length <= longest
        assert all(one.start <= moment.milliseconds <= one.end for moment in one.moments)
    for before, after in pairwise(segments):
        if before.recording == after.recording:
            assert before.end <= after.start
    assert [one.recording for one in segments] == sorted(one.recording for one in segments)


@given(MOMENTS, st.integers(0, 100_000), st.integers(0, 100_000))
@settings(max_examples=100)
def test_a_larger_budget_keeps_what_a_smaller_one_kept(
    moments: list[Moment], budget: int, more: int
) -> None:
    small = within_budget(moments, budget, DURATIONS, SETTINGS)
    large = within_budget(moments, budget + more, DURATIONS, SETTINGS)
    assert set(small) <= set(large)
    assert sum(one.length for one in segments_of(small, DURATIONS, SETTINGS, middle)) <= budget
    if small and len(large) < len(moments):
        assert min(m.score for m in large) >= max(m.score for m in set(moments) - set(large))
