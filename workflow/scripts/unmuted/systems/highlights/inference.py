"""Scores of a whole recording: overlapping stretches, of which the middle is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from unmuted.config.highlights import StretchSettings
from unmuted.systems.highlights.network import Spotter
from unmuted.systems.highlights.recordings import Recording

STRETCHES_AT_ONCE = 8  # bounds memory


@dataclass(frozen=True)
class Stretch:
    """The steps [start, stop) that are read at once, and those [first, last) that are kept."""

    start: int
    stop: int
    first: int
    last: int


def stretches(steps: int, length: int, margin: int) -> Iterator[Stretch]:
    """Yield stretches whose kept steps are all steps, each once.

    Stretches have one length, the last one ends with the recording; a shorter recording is one.
    Every kept step has `margin` steps of context, or all there are.
    """
    length = min(length, steps)
    start = first = 0
    while first < steps:
        start = min(start, steps - length)
        stop = start + length
        last = steps if stop == steps else stop - margin
        yield Stretch(start, stop, first, last)
        first, start = last, last - margin


@dataclass(frozen=True)
class SoundInput:
    """The sound that a spotter reads of S steps: float32 (S, A), imputed where not `is_real`."""

    sound: np.ndarray
    is_real: np.ndarray  # bool (S,)


def sound_input(
    recording: Recording, imputation: str | None, missing: np.ndarray | None = None
) -> SoundInput:
    """Return the recording's sound, imputed where there is none and where it is missing.

    imputation: a key of `recording.imputed`; None: the training mean, which is 0. missing: bool
    (S,), steps whose sound is declared missing.
    """
    is_real = recording.has_sound if missing is None else recording.has_sound & ~missing
    imputed = np.zeros((1, recording.sound.shape[1]), np.float32)
    if imputation is not None and not is_real.all():
        imputed = recording.imputed[imputation][0 : recording.steps]
    sound = np.where(is_real[:, None], recording.sound[0 : recording.steps], imputed)
    return SoundInput(sound.astype(np.float32), is_real)


@torch.inference_mode()
def score_steps(
    model: Spotter,
    recording: Recording,
    sound: SoundInput,
    rate: float,
    settings: StretchSettings,
    device: str = "cpu",
) -> np.ndarray:
    """Return the logits of every step, float32 (S, K). Raises ValueError for features that differ.

    The picture is read stretch by stretch, so memory does not grow with the recording.
    """
    width = model.config.visual_dim
    if width and recording.visual.shape[1] != width:
        raise ValueError(
            f"{recording.name}: the spotter reads {width} features a step, found "
            f"{recording.visual.shape[1]}"
        )
    logits = np.zeros((recording.steps, model.config.kinds), np.float32)
    length, margin = round(settings.stretch * rate), round(settings.margin * rate)
    parts = list(stretches(recording.steps, length, margin))
    for i in range(0, len(parts), STRETCHES_AT_ONCE):
        batch = parts[i : i + STRETCHES_AT_ONCE]
        slices = [slice(part.start, part.stop) for part in batch]
        inputs = (
            np.stack([visual_rows(recording, s, width) for s in slices]),
            np.stack([recording.shown[s] for s in slices]),
            np.stack([sound.sound[s] for s in slices]),
            np.stack([sound.is_real[s] for s in slices]),
        )
        scored = model(*(torch.from_numpy(x).to(device) for x in inputs)).cpu().numpy()
        for part, rows in zip(batch, scored, strict=True):
            logits[part.first : part.last] = rows[part.first - part.start : part.last - part.start]
    return logits


def visual_rows(recording: Recording, steps: slice, width: int) -> np.ndarray:
    """Read the picture of steps, float32 (n, F); nothing is read for a width of 0."""
    if not width:
        return np.zeros((steps.stop - steps.start, 0), np.float32)
    return recording.visual[steps].astype(np.float32)
