"""Step arrays of invented matches: what a picture and a crowd would give, without any media."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unmuted.dataset.events import Event
from unmuted.systems.highlights.recordings import HalfStart, Moment, Recording
from unmuted.systems.highlights.spotting import LabelledRecording

RATE = 5.0
KINDS = ("Goal", "Shots on target", "Shots off target")
VISUAL, SOUND = 12, 8
OTHERS = 500  # the first number of the matches whose sound others get
REACTION = 0.6  # seconds after an event that the crowd is heard


def toy_recording(
    name: str, seed: int, seconds: float = 90.0, has_sound: bool = True, generates: bool = True
) -> LabelledRecording:
    """Draw a recording: goals are seen as shots, and heard as cheers, which chants sound like.

    Replays look like events and are silent; chants sound like goals where nothing is seen.
    generates: whether the picture shows how the crowd will react.
    """
    rng = np.random.default_rng(seed)
    steps = int(seconds * RATE)
    times = np.arange(steps) / RATE
    count = max(1, round(seconds / 18))
    places = (np.arange(2 * count) + 0.5) * seconds / (2 * count)
    places += rng.uniform(-1.5, 1.5, len(places))
    roles = rng.permutation(["event"] * count + ["replay", "chant"] * (count // 2 + 1))[
        : len(places)
    ]
    visual = 0.5 * rng.standard_normal((steps, VISUAL))
    sound = 0.5 * rng.standard_normal((steps, SOUND))
    events, others = [], []
    for place, role in zip(places, roles, strict=True):
        kind = int(rng.integers(len(KINDS)))
        if role == "event":
            events.append(Moment(float(place), kind))
        else:
            others.append(float(place))
        if role != "chant":
            visual[:, 0] += 4 * bump(times - place, 0.6)
            visual[:, 1] += 3 * bump(times - place + 1, 0.6)  # the run-up
            if generates:
                visual[:, 4 + kind] += 1.0 * bump(times - place - 0.5, 1.0)
        if role != "replay":
            onset = times - place - REACTION
            sound[:, kind] += 3 * (onset >= 0) * np.exp(-np.maximum(onset, 0) / 2)
    heard = np.full(steps, has_sound)
    match, half = name.rsplit("-", 1)
    recording = Recording(
        name=name,
        match=match,
        key=f"key-{name}",
        visual=visual.astype(np.float32),
        shown=np.ones(steps, bool),
        sound=np.where(heard[:, None], sound, 0).astype(np.float32),
        has_sound=heard,
        events=tuple(sorted(events, key=lambda e: e.seconds)),
        others=tuple(others),
        halves=(half_start(int(half)),),
    )
    return LabelledRecording(recording, _labels(recording))


def half_start(half: int) -> HalfStart:
    """Return the start of a half at the start of its file."""

    return HalfStart(half, 0.0)


def toy_matches(count: int, first: int = 0, **options: object) -> list[LabelledRecording]:
    """Draw the two recordings of each of some matches."""
    return [
        toy_recording(f"m{first + i}-{half}", 10 * (first + i) + half, **options)
        for i in range(count)
        for half in (1, 2)
    ]


def matches_with_other_sound(count: int, first: int = 0) -> list[LabelledRecording]:
    """Draw matches whose sound is that of others; goals are those seen, shots those in the sound.

    Picture and sound are independent, also given the labels.
    """
    seen, others = toy_matches(count, first), toy_matches(count, first + OTHERS)
    return [_with_sound_of(one, other) for one, other in zip(seen, others, strict=True)]


def _with_sound_of(seen: LabelledRecording, other: LabelledRecording) -> LabelledRecording:
    picture, sound = seen.recording, other.recording
    goals = [event for event in picture.events if KINDS[event.kind] == "Goal"]
    shots = [event for event in sound.events if KINDS[event.kind] != "Goal"]
    recording = replace(
        picture,
        sound=sound.sound,
        has_sound=sound.has_sound,
        events=tuple(sorted(goals + shots, key=lambda event: event.seconds)),
    )
    return LabelledRecording(recording, _labels(recording))


def _labels(recording: Recording) -> tuple[Event, ...]:
    (start,) = recording.halves
    return tuple(
        Event(start.half, round(1000 * e.seconds), KINDS[e.kind]) for e in recording.events
    )


def bump(x: np.ndarray, width: float) -> np.ndarray:
    """Return a smooth bump around 0."""
    return np.exp(-np.square(x / width))


def recordings_of(labelled: Sequence[LabelledRecording]) -> list[Recording]:
    """Return the recordings without their labels in the match's time."""
    return [one.recording for one in labelled]
