"""What was found in the recordings of a match, from the artifacts of their stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.dataset.events import Event
from unmuted.engine.executor import Artifact, Task
from unmuted.errors import UserError
from unmuted.systems.highlights.arms import AUDIO_ONLY, LOUDNESS, READY
from unmuted.systems.highlights.picking import RecordingScores
from unmuted.systems.highlights.spot_arrays import unpack_spots

SPOTS, SOUND, EVENTS = "spots", "step_sound", "events"
LOUD = "Loud moment"  # the one kind that loudness knows


@dataclass(frozen=True)
class FoundRecording:
    """A recording with its scores, its sound and its labelled events.

    Attributes:
        scores: with spots, on the clock of the file.
        kinds: K names.
        thresholds: from which score a spot is a highlight, of each kind that has spots.
        level_db: float (S,), of the sound in dB of full scale.
        has_sound: bool (S,).
        events: on the clocks of its halves, in the file's order; None where nothing is known.
        file_times: milliseconds of each event in the file.
        match: its name in its source.
        trained_on: whether what found the spots was trained or chosen on the match.
    """

    scores: RecordingScores
    kinds: tuple[str, ...]
    thresholds: Mapping[str, float]
    level_db: np.ndarray
    has_sound: np.ndarray
    events: tuple[Event, ...] | None
    file_times: tuple[int, ...]
    match: str
    trained_on: bool

    @property
    def file_events(self) -> list[Event]:
        """Return the events at their times in the file."""
        pairs = zip(self.events or (), self.file_times, strict=True)
        return [Event(event.half, ms, event.kind, event.is_shown) for event, ms in pairs]


def arm_of(highlights: Mapping[str, Any]) -> str:
    """Return what finds the highlights under a configuration; a ready spotter has its own arm."""
    if highlights["method"] == LOUDNESS:
        return LOUDNESS
    return highlights["arm"] if highlights["spotter"]["path"] is None else READY


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
    if method == LOUDNESS:
        arm, kinds = LOUDNESS, (LOUD,)
    found = [
        _find(
            name,
            task.of_member(name).inputs,
            rate,
            arm,
            tuple(kinds),
        )
        for name in task.members
        if f"{SPOTS}/{name}" in task.inputs
    ]
    return sorted(found, key=lambda one: (min(one.scores.half_starts), one.scores.recording))


def _find(
    name: str,
    inputs: Mapping[str, Artifact],
    rate: float,
    arm: str,
    kinds: tuple[str, ...],
) -> FoundRecording:
    targets = inputs[EVENTS].json()
    halves = {int(half): round(1000 * start) for half, start in targets["halves"].items()}
    sound = inputs.get(SOUND)
    level_db, has_sound = _sound(sound)
    tensors = inputs[SPOTS].tensors()
    scores = tensors["scores"]
    if scores.shape[1] != len(kinds):
        raise UserError(
            f"{name}: spots of {scores.shape[1]} kinds, expected those of matches.kinds, "
            f"{', '.join(kinds)}; set the kinds that the spotter was trained on"
        )
    valid = tensors["has_sound" if arm in (LOUDNESS, AUDIO_ONLY) else "shown"].astype(bool)
    labelled = targets["events"] if targets["has_labels"] else None
    return FoundRecording(
        RecordingScores(
            name,
            _arm(arm, sound),
            round(1000 * targets["seconds"]),
            halves,
            rate,
            np.asarray(scores, np.float32),
            valid,
            tuple(unpack_spots(tensors, kinds)),
        ),
        kinds,
        thresholds_of(tensors, kinds),
        _fitted(level_db, len(valid)),
        _fitted(has_sound, len(valid)),
        None if labelled is None else tuple(map(_event, labelled)),
        tuple(event["file_milliseconds"] for event in labelled or ()),
        targets["match"],
        bool(tensors["trained_on"].item()),
    )


def _event(event: Mapping[str, Any]) -> Event:
    return Event(event["half"], event["milliseconds"], event["kind"], event["is_shown"])


def thresholds_of(tensors: Mapping[str, np.ndarray], kinds: Sequence[str]) -> dict[str, float]:
    """Return from which score a spot is a highlight, by kind, without kinds that have no spots.

    tensors: of the artifact of spots.
    """
    pairs = zip(kinds, tensors["thresholds"].tolist(), strict=True)
    return {kind: threshold for kind, threshold in pairs if not math.isnan(threshold)}


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


def _arm(arm: str, sound: Artifact | None) -> str:
    """Return which arm it is, and what the sound of the recording is like if it is not whole."""
    status = "no_stream" if sound is None else sound.row.status
    note = {"silent": "silent", "no_stream": "no sound", "damaged": "damaged sound"}.get(status)
    return f"{arm} ({note})" if note else arm
