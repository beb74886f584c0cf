"""What was found in the recordings of a match, from the artifacts of their stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.dataset.events import Event, Spot
from unmuted.engine.executor import Artifact, Task
from unmuted.systems.highlights.loudness import LOUD_SHARE, WINDOW, loudness_scores
from unmuted.systems.highlights.peaks import suppress
from unmuted.systems.highlights.picking import RecordingScores

SPOTS, SOUND, EVENTS, PROBE = "spots", "step_sound", "events", "probe"
LOUD = "Loud moment"  # the one kind that loudness knows
LOUDNESS = "loudness"


@dataclass(frozen=True)
class FoundRecording:
    """A recording with its scores, its sound and its labelled events.

    Attributes:
        scores: with spots, on the clock of the file.
        kinds: K names.
        thresholds: of each kind.
        level_db: float (S,), of the sound in dB of full scale.
        has_sound: bool (S,).
        events: on the clocks of its halves, in the file's order; None where nothing is known.
        file_times: milliseconds of each event in the file.
        match: its name in its source.
    """

    scores: RecordingScores
    kinds: tuple[str, ...]
    thresholds: Mapping[str, float]
    level_db: np.ndarray
    has_sound: np.ndarray
    events: tuple[Event, ...] | None
    file_times: tuple[int, ...]
    match: str

    @property
    def file_events(self) -> list[Event]:
        """Return the events at their times in the file."""
        pairs = zip(self.events or (), self.file_times, strict=True)
        return [Event(event.half, ms, event.kind, event.is_shown) for event, ms in pairs]


def find_in_match(
    task: Task, rate: float, method: str, arm: str, kinds: Sequence[str]
) -> list[FoundRecording]:
    """Return the recordings of a match that could be scored, by their halves.

    Args:
        task: of a match, with the artifacts of its recordings.
        rate: steps a second.
        method: `spotter` or `loudness`.
        arm: of the spotter.
        kinds: of the spotter.
    """
    needed = SOUND if method == LOUDNESS else SPOTS
    found = [
        _find(name, _of_recording(task, name), rate, method, arm, tuple(kinds))
        for name in task.members
        if f"{needed}/{name}" in task.inputs
    ]
    return sorted(found, key=lambda one: (min(one.scores.half_starts), one.scores.recording))


def _of_recording(task: Task, name: str) -> dict[str, Artifact]:
    end = f"/{name}"
    return {
        key.removesuffix(end): artifact
        for key, artifact in task.inputs.items()
        if key.endswith(end)
    }


def _find(
    name: str,
    inputs: Mapping[str, Artifact],
    rate: float,
    method: str,
    arm: str,
    kinds: tuple[str, ...],
) -> FoundRecording:
    targets = inputs[EVENTS].json()
    halves = {int(half): round(1000 * start) for half, start in targets["halves"].items()}
    sound = inputs.get(SOUND)
    level_db, has_sound = _sound(sound)
    if method == LOUDNESS:
        scores, valid, peaks, thresholds = _loudness(level_db, has_sound, rate)
        kinds = (LOUD,)
    else:
        tensors = inputs[SPOTS].tensors()
        scores, valid = tensors["scores"], tensors["shown"].astype(bool)
        level_db, has_sound = (_fitted(x, len(valid)) for x in (level_db, has_sound))
        columns = ("spot_steps", "spot_kinds", "spot_scores")
        peaks = list(zip(*(tensors[column].tolist() for column in columns), strict=True))
        thresholds = tensors["thresholds"]
    spots = [
        Spot(*_half_time(round(1000 * step / rate), halves), kinds[kind], float(score))
        for step, kind, score in peaks
        if round(1000 * step / rate) >= min(halves.values())
    ]
    labelled = targets["events"] if targets["has_labels"] else None
    return FoundRecording(
        RecordingScores(
            name,
            _arm(method, arm, sound),
            round(1000 * targets["seconds"]),
            halves,
            rate,
            np.asarray(scores, np.float32),
            valid,
            tuple(sorted(spots)),
        ),
        kinds,
        dict(zip(kinds, map(float, thresholds), strict=True)),
        level_db,
        has_sound,
        None if labelled is None else tuple(map(_event, labelled)),
        tuple(event["file_milliseconds"] for event in labelled or ()),
        targets["match"],
    )


def _event(event: Mapping[str, Any]) -> Event:
    return Event(event["half"], event["milliseconds"], event["kind"], event["is_shown"])


def _half_time(milliseconds: int, halves: Mapping[int, int]) -> tuple[int, int]:
    """Return the last half that has begun at a time in the file, and the time on its clock."""
    half = max((h for h in halves if halves[h] <= milliseconds), key=lambda h: halves[h])
    return half, milliseconds - halves[half]


def _sound(artifact: Artifact | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the level of each step in dB of full scale, and which steps have sound."""
    if artifact is None:
        return np.zeros(0, np.float32), np.zeros(0, bool)
    with artifact.open_tensors() as file:
        return file.rows("rms"), file.rows("valid").astype(bool)


def _fitted(values: np.ndarray, steps: int) -> np.ndarray:
    """Return values (n,) for so many steps; those that are missing are 0 or False."""
    fitted = np.zeros(steps, values.dtype)
    fitted[: len(values)] = values[:steps]
    return fitted


def _loudness(
    level_db: np.ndarray, has_sound: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int, float]], list[float]]:
    """Return scores (S, 1), steps with sound, peaks and the threshold of loudness."""
    scores = loudness_scores(10 ** (level_db.astype(np.float64) / 20), has_sound, rate)
    steps = suppress(np.where(has_sound, scores, -np.inf), rate * WINDOW / 2, 0.0)
    peaks = [(step, 0, float(scores[step])) for step in steps]
    return scores[:, None], has_sound, peaks, [LOUD_SHARE]


def _arm(method: str, arm: str, sound: Artifact | None) -> str:
    """Return which arm it is, and what the sound of the recording is like if it is not whole."""
    status = "no_stream" if sound is None else sound.row.status
    note = {"silent": "silent", "no_stream": "no sound", "damaged": "damaged sound"}.get(status)
    name = LOUDNESS if method == LOUDNESS else arm
    return f"{name} ({note})" if note else name
