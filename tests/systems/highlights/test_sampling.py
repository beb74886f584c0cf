"""Training sequences: targets, guards around every event, negatives, and the source's defects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systems.highlights.toy_matches import RATE
from unmuted.config.highlights import SamplingSettings
from unmuted.systems.highlights.recordings import Moment, Recording
from unmuted.systems.highlights.sampling import (
    Sampler,
    free_steps,
    recording_targets,
    step_targets,
)

KINDS = 3
SETTINGS = SamplingSettings()
SOURCE_WINDOWS = SamplingSettings(windows="source")
SOURCE_NEGATIVES = SamplingSettings(negatives="other_events")

events_of = st.lists(
    st.builds(
        Moment,
        st.floats(0, 120, allow_nan=False).map(lambda x: round(x, 3)),
        st.integers(0, KINDS - 1),
    ),
    max_size=12,
)


def recording(
    events: list[Moment], others: tuple[float, ...] = (), seconds: float = 120.0
) -> Recording:
    steps = int(seconds * RATE)
    ones = np.ones(steps, bool)
    zeros = np.zeros((steps, 2), np.float32)
    return Recording("m-1", "m", "key", zeros, ones, zeros, ones, tuple(events), others)


@settings(max_examples=60)
@given(events_of)
def test_a_background_step_is_farther_than_the_guard_from_every_event(events: list[Moment]) -> None:
    steps = int(120 * RATE)
    targets = step_targets(events, steps, KINDS, RATE, SETTINGS)
    distance = np.full((steps, KINDS), np.inf)
    for event in events:
        from_event = np.abs(np.arange(steps) / RATE - event.seconds)
        distance[:, event.kind] = np.minimum(distance[:, event.kind], from_event)
    nearest = distance.min(axis=1)[:, None]
    is_event = distance <= SETTINGS.radius
    assert (targets.target == is_event).all()
    background = (targets.weight == 1) & ~is_event
    is_other = nearest <= SETTINGS.radius  # an event of another kind, which must be told apart
    assert (distance[background] >= SETTINGS.guard).all()
    assert ((nearest >= SETTINGS.guard) | is_other)[:, 0][background.any(axis=1)].all()
    assert (targets.weight[is_event] == 1).all()
    assert (targets.weight[(nearest >= SETTINGS.guard)[:, 0]] == 1).all()


@settings(max_examples=60)
@given(events_of, st.lists(st.floats(0, 119), max_size=5), st.integers(0, 2**31))
def test_sequences_hold_their_event_or_are_centred_far_from_all(
    events: list[Moment], others: list[float], seed: int
) -> None:
    match = recording(events, tuple(others))
    sampler = Sampler([match], RATE, SETTINGS)
    windows = sampler.draw(np.random.default_rng(seed))
    assert len(windows) == sampler.windows
    free = free_steps(match, RATE, SETTINGS.guard)
    for window in windows:
        assert 0 <= window.start <= match.steps - sampler.length
        start, stop = window.start, window.start + sampler.length
        holds_event = any(start <= round(e.seconds * RATE) <= stop for e in events)
        at_edge = start == 0 or stop == match.steps
        assert holds_event or at_edge or free[start + sampler.length // 2]


def test_half_of_the_negatives_are_at_other_events() -> None:
    match = recording([Moment(30.0, 0)] * 50, others=(60.0, 90.0))
    sampler = Sampler([match], RATE, SETTINGS)
    windows = sampler.draw(np.random.default_rng(0))
    at_others = [w for w in windows if w.start + sampler.length // 2 in (300, 450)]
    assert 25 <= len(at_others) <= 30


def test_an_event_close_to_a_goal_is_no_negative() -> None:
    match = recording([Moment(30.0, 0)] * 40, others=(32.0,))
    sampler = Sampler([match], RATE, SETTINGS)
    for window in sampler.draw(np.random.default_rng(0)):
        assert window.start + sampler.length // 2 != 160


def test_steps_without_picture_and_sound_have_no_part_in_the_loss() -> None:
    match = recording([Moment(30.0, 0)])
    shown = match.shown.copy()
    shown[100:200] = False
    blind = Recording(**{**vars(match), "shown": shown, "has_sound": shown})
    targets = recording_targets(blind, KINDS, RATE, SETTINGS)
    assert not targets.weight[100:200].any()
    assert targets.weight[:90].any()
    heard = Recording(**{**vars(match), "shown": shown})
    assert recording_targets(heard, KINDS, RATE, SETTINGS).weight[145:155].all()


@pytest.mark.parametrize("second", [0.0, 119.9])
def test_events_at_the_ends_are_kept(second: float) -> None:
    match = recording([Moment(second, 1)])
    windows = Sampler([match], RATE, SETTINGS).draw(np.random.default_rng(0))
    step = min(round(second * RATE), match.steps - 1)
    targets = recording_targets(match, KINDS, RATE, SETTINGS)
    assert targets.target[step, 1] == 1
    assert any(w.start <= step < w.start + 100 for w in windows)


def test_a_recording_shorter_than_a_sequence_is_read_from_its_start() -> None:
    sampler = Sampler([recording([Moment(0.1, 0)], seconds=0.2)], RATE, SETTINGS)
    assert {w.start for w in sampler.draw(np.random.default_rng(0))} == {0}


def test_seed_mode_windows_call_the_build_up_an_event() -> None:
    match = recording([Moment(60.0, 0)])
    source = recording_targets(match, KINDS, RATE, SOURCE_WINDOWS)
    ours = recording_targets(match, KINDS, RATE, SETTINGS)
    positive = np.flatnonzero(source.target[:, 0]) / RATE
    assert (positive.min(), positive.max()) == (50.0, 65.0)
    assert (positive < 59).mean() > 0.5  # most of it is before anything happens
    assert source.target[:, 0].sum() > 6 * ours.target[:, 0].sum()


def test_seed_mode_negatives_hold_a_goal() -> None:
    """The defect: a corner five seconds before a goal labels the goal as background."""
    match = recording([Moment(60.0, 0)], others=(58.0,))
    ours = recording_targets(match, KINDS, RATE, SETTINGS)
    source = recording_targets(match, KINDS, RATE, SOURCE_NEGATIVES)
    assert (ours.target[300, 0], ours.weight[300, 0]) == (1, 1)
    assert (source.target[300, 0], source.weight[300, 0]) == (0, 1)
    sampler = Sampler([match], RATE, SOURCE_NEGATIVES)
    windows = sampler.draw(np.random.default_rng(0))
    assert any(w.start == 58 * RATE - 50 for w in windows)
