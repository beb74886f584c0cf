"""When things happen in a clip: the timeline that the picture follows, and with it the sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.demo_world.plan import ClipSpec

LAST_EVENT = 0.2  # seconds before the end of the clip in which nothing new starts


@dataclass(frozen=True)
class ActionTimeline:
    """What happens when, in seconds from the start of the clip.

    `events` are the moments at which a sound starts (impacts, turns of a shaken thing, onsets);
    `spans` are the stretches during which something goes on (pouring, running, shaking);
    `pace` is the frequency of shaking in Hz, 0 elsewhere.
    """

    events: tuple[float, ...]
    spans: tuple[tuple[float, float], ...] = ()
    pace: float = 0.0

    def active(self, time: float) -> bool:
        """Return whether something goes on at this time."""
        return any(start <= time < end for start, end in self.spans)


def make_timeline(spec: ClipSpec) -> ActionTimeline:
    """Return the timeline of the picture, from the clip's seed.

    Classes of one scene have the same distribution.
    """
    return _timeline(spec, spec.seed)


def make_sound_timeline(spec: ClipSpec) -> ActionTimeline:
    """Return the timeline of the sound: the same, unless the clip's sound has a seed of its own."""
    return _timeline(spec, spec.seed if spec.sound_seed is None else spec.sound_seed)


def _timeline(spec: ClipSpec, seed: int) -> ActionTimeline:
    return TIMELINES[spec.scene](np.random.default_rng([seed, 1]), spec.seconds)


def _strike(rng: np.random.Generator, seconds: float) -> ActionTimeline:
    events = []
    time = rng.uniform(0.25, 0.7)
    while time < seconds - LAST_EVENT:
        events.append(time)
        time += rng.uniform(0.45, 0.95)
    return ActionTimeline(tuple(events))


def _knock(rng: np.random.Generator, seconds: float) -> ActionTimeline:
    events = []
    time = rng.uniform(0.25, 0.7)
    while time < seconds - LAST_EVENT:
        gap = rng.uniform(0.2, 0.3)
        for _ in range(rng.integers(2, 5)):
            if time < seconds - LAST_EVENT:
                events.append(time)
            time += gap
        time += rng.uniform(0.35, 0.7)
    return ActionTimeline(tuple(events))


def _bounce(rng: np.random.Generator, seconds: float) -> ActionTimeline:
    """Return impacts of a dropped thing; each flight is shorter by the restitution."""
    events = []
    time, flight = rng.uniform(0.25, 0.5), rng.uniform(0.5, 0.75)
    restitution = rng.uniform(0.78, 0.92)
    while time < seconds - LAST_EVENT and flight > 0.1:
        events.append(time)
        time += flight
        flight *= restitution
    return ActionTimeline(tuple(events))


def _pour(rng: np.random.Generator, seconds: float) -> ActionTimeline:
    start = rng.uniform(0.1, 0.25) * seconds
    end = min(start + rng.uniform(0.4, 0.65) * seconds, seconds - LAST_EVENT)
    return ActionTimeline((start,), ((start, end),))


def _run(rng: np.random.Generator, seconds: float) -> ActionTimeline:
    spans = []
    start = rng.uniform(0.15, 0.6)
    while start < seconds - 2 * LAST_EVENT:
        end = min(start + rng.uniform(0.45, 1.0), seconds)
        spans.append((start, end))
        start = end + rng.uniform(0.3, 0.55)
    return ActionTimeline(tuple(start for start, _ in spans), tuple(spans))


def _shake(rng: np.random.Generator, seconds: float) -> ActionTimeline:
    """Return bursts of swinging; a sound starts at every turning point of the swing."""
    pace = rng.uniform(2.2, 3.6)
    spans: list[tuple[float, float]] = []
    events: list[float] = []
    start = rng.uniform(0.15, 0.5)
    while start < seconds - 2 * LAST_EVENT:
        swings = rng.integers(2, 5)
        end = start + swings / pace
        turns = start + (np.arange(2 * swings) + 0.5) / (2 * pace)
        events.extend(float(turn) for turn in turns if turn < seconds - LAST_EVENT / 2)
        spans.append((start, min(end, seconds)))
        start = end + rng.uniform(0.25, 0.5)
    return ActionTimeline(tuple(events), tuple(spans), pace)


TIMELINES = {
    "strike": _strike,
    "knock": _knock,
    "bounce": _bounce,
    "pour": _pour,
    "run": _run,
    "shake": _shake,
}


def since_last(events: tuple[float, ...], time: float) -> float:
    """Return the seconds since the last event, infinite before the first."""
    return min((time - event for event in events if event <= time), default=float("inf"))


def until_next(events: tuple[float, ...], time: float) -> float:
    """Return the seconds until the next event, infinite after the last."""
    return min((event - time for event in events if event > time), default=float("inf"))


def approach(events: tuple[float, ...], time: float, swing: float, recover: float) -> float:
    """Return how close a striking hand is: 0 drawn back, 1 in contact, which it is at each event.

    It accelerates over `swing` seconds before an impact and withdraws over `recover` after it.
    """
    forth = max(0.0, 1.0 - until_next(events, time) / swing) ** 2
    back = max(0.0, 1.0 - since_last(events, time) / recover)
    return max(forth, back)
