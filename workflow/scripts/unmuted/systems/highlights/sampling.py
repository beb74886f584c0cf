"""The sequences of steps that a spotter is trained on, and their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.config.highlights import SamplingSettings
from unmuted.systems.highlights.recordings import Moment, Recording

SOURCE_BEFORE, SOURCE_AFTER = 10.0, 5.0  # seconds of the source's clips around an event


@dataclass(frozen=True)
class Targets:
    """What a network is to say of S steps and K kinds, float32 (S, K): 0 or 1, and weights."""

    target: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Window:
    """A training sequence: a recording, by its index, and its first step."""

    recording: int
    start: int


def step_targets(
    events: Sequence[Moment], steps: int, kinds: int, rate: float, settings: SamplingSettings
) -> Targets:
    """Return 1 within `radius` of an event of the kind, and weight 0 up to `guard`.

    Within the radius of another kind's event the target is 0: the network must tell the kinds
    apart. All other steps of weight are farther than `guard` from every event.
    """
    times = np.arange(steps) / rate
    near = np.zeros((steps, kinds), bool)
    close = np.zeros((steps, kinds), bool)  # within the guard
    for event in events:
        distance = np.abs(times - event.seconds)
        near[:, event.kind] |= distance <= settings.radius
        close[:, event.kind] |= distance < settings.guard
    near_any, close_any = near.any(axis=1, keepdims=True), close.any(axis=1, keepdims=True)
    counted = near | (~close & (near_any | ~close_any))
    return Targets(near.astype(np.float32), counted.astype(np.float32))


def source_targets(
    events: Sequence[Moment], steps: int, kinds: int, rate: float, others: Sequence[float] = ()
) -> Targets:
    """Return the source's labels: those of whole clips, 10 s before an event to 5 s after it.

    others: events whose clips are negative, whatever else happens in them.
    """
    times = np.arange(steps) / rate
    target, weight = np.zeros((2, steps, kinds), np.float32)
    for event in events:
        inside = _in_source_clip(times, event.seconds)
        target[inside, event.kind] = 1
        weight[inside] = 1
    for seconds in others:
        inside = _in_source_clip(times, seconds)
        target[inside], weight[inside] = 0, 1
    return Targets(target, weight)


def _in_source_clip(times: np.ndarray, seconds: float) -> np.ndarray:
    return (times >= seconds - SOURCE_BEFORE) & (times <= seconds + SOURCE_AFTER)


def recording_targets(
    recording: Recording, kinds: int, rate: float, settings: SamplingSettings
) -> Targets:
    """Return the targets of a recording; steps without a picture and without sound weigh 0."""
    shape = recording.steps, kinds, rate
    others = recording.others if settings.negatives == "other_events" else ()
    if settings.windows == "source":
        targets = source_targets(recording.events, *shape, others)
    else:
        targets = step_targets(recording.events, *shape, settings)
        if others:  # labelled as background, goal or not
            clips = source_targets((), *shape, others)
            inside = clips.weight > 0
            targets = Targets(
                np.where(inside, 0, targets.target), np.where(inside, 1, targets.weight)
            )
    usable = recording.shown | recording.has_sound
    return Targets(targets.target, targets.weight * usable[:, None].astype(np.float32))


def sequence_steps(rate: float, settings: SamplingSettings) -> int:
    """Return the steps of a training sequence."""
    seconds = SOURCE_BEFORE + SOURCE_AFTER if settings.windows == "source" else settings.seconds
    return max(1, round(seconds * rate))


class Sampler:
    """Draws the sequences of an epoch: around every event, and as many without any near its middle.

    kept_events: of each recording, which of its events are trained on; all unless given.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        rate: float,
        settings: SamplingSettings,
        kept_events: Sequence[Sequence[Moment]] | None = None,
    ) -> None:
        self._recordings, self._rate, self._settings = recordings, rate, settings
        self.length = sequence_steps(rate, settings)
        events = [r.events for r in recordings] if kept_events is None else kept_events
        self._events = [(i, e.seconds) for i, of in enumerate(events) for e in of]
        far = [free_steps(r, rate, settings.guard) for r in recordings]
        self._anywhere = _places(far)
        self._others = _places(
            [
                _at(recording, rate, free, settings.negatives == "other_events")
                for recording, free in zip(recordings, far, strict=True)
            ]
        )

    @property
    def windows(self) -> int:
        """Return how many sequences an epoch has."""
        return 2 * max(len(self._events), 1)

    def draw(self, rng: np.random.Generator) -> list[Window]:
        """Draw the sequences of an epoch, in random order."""
        positive = [self._around(i, seconds, rng) for i, seconds in self._events]
        count = self.windows - len(positive)
        only_others = self._settings.negatives == "other_events" and len(self._others)
        at_others = count if only_others else count // 2 if len(self._others) else 0
        chosen = [
            places[rng.integers(len(places), size=size)]
            for places, size in ((self._others, at_others), (self._anywhere, count - at_others))
            if size and len(places)
        ]
        negative = [self._centred(int(i), int(step)) for rows in chosen for i, step in rows]
        windows = positive + negative
        while len(windows) < self.windows:  # of recordings without room between their events
            windows.append(windows[len(windows) % max(len(positive), 1)])
        return [windows[i] for i in rng.permutation(len(windows))]

    def _around(self, index: int, seconds: float, rng: np.random.Generator) -> Window:
        step = round(seconds * self._rate)
        if self._settings.windows == "source":
            return self._clamped(index, step - round(SOURCE_BEFORE * self._rate))
        return self._clamped(index, step - int(rng.integers(self.length)))

    def _centred(self, index: int, step: int) -> Window:
        if self._settings.negatives == "other_events":
            return self._clamped(index, step - round(SOURCE_BEFORE * self._rate))
        return self._clamped(index, step - self.length // 2)

    def _clamped(self, index: int, start: int) -> Window:
        last = max(self._recordings[index].steps - self.length, 0)
        return Window(index, min(max(start, 0), last))


def free_steps(recording: Recording, rate: float, guard: float) -> np.ndarray:
    """Return which steps are at least `guard` seconds from every highlight, bool (S,)."""
    times = np.arange(recording.steps) / rate
    free = recording.shown | recording.has_sound
    for event in recording.events:
        free = free & (np.abs(times - event.seconds) >= guard)
    return free


def _at(recording: Recording, rate: float, free: np.ndarray, is_unchecked: bool) -> np.ndarray:
    """Return the steps of other events and replays, bool (S,); those near a highlight if asked."""
    steps = [round(seconds * rate) for seconds in recording.others]
    at = np.zeros(recording.steps, bool)
    at[[step for step in steps if 0 <= step < recording.steps]] = True
    return at if is_unchecked else at & free


def _places(chosen: Sequence[np.ndarray]) -> np.ndarray:
    """Return recording and step of every chosen step, int (P, 2)."""
    rows = [
        np.stack([np.full(mask.sum(), i), np.flatnonzero(mask)], 1) for i, mask in enumerate(chosen)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, 2), int)


def kept_by_clip(recording: Recording, share: float, seed: int) -> tuple[Moment, ...]:
    """Return the events of a recording that are trained on where clips, not matches, are split."""
    from unmuted.training.order import stable_hash

    return tuple(
        event
        for event in recording.events
        if stable_hash("clip", seed, recording.key, event.seconds, event.kind) % 1000 < 1000 * share
    )
