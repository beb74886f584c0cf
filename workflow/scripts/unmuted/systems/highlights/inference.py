"""Scores of a whole recording: overlapping stretches, of which the middle is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch

from unmuted.config.highlights import StretchSettings
from unmuted.systems.highlights.network import Spotter
from unmuted.systems.highlights.recordings import Recording, Rows

STRETCHES_AT_ONCE = 24  # bounds memory


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

    sound: Rows
    is_real: np.ndarray  # bool (S,)


@dataclass(frozen=True)
class RealRows:
    """The real sound of a recording and zeros elsewhere, of which only slices are in memory."""

    sound: Rows
    is_real: np.ndarray  # bool (S,)

    @property
    def shape(self) -> tuple[int, ...]:
        """(S, A)."""
        return self.sound.shape

    def __getitem__(self, steps: slice) -> np.ndarray:
        return np.where(self.is_real[steps][:, None], self.sound[steps], np.float32(0))


def sound_input(
    recording: Recording, imputation: str | None, missing: np.ndarray | None = None
) -> SoundInput:
    """Return the recording's sound, imputed where there is none and where it is missing.

    imputation: a key of `recording.imputed`; None: the training mean, which is 0. missing: bool
    (S,), steps whose sound is declared missing.
    """
    is_real = recording.has_sound if missing is None else recording.has_sound & ~missing
    if imputation is None or is_real.all():
        return SoundInput(RealRows(recording.sound, is_real), is_real)
    sound, imputed = (
        rows[0 : recording.steps] for rows in (recording.sound, recording.imputed[imputation])
    )
    return SoundInput(np.where(is_real[:, None], sound, imputed), is_real)


def score_steps(
    model: Spotter,
    recording: Recording,
    sound: SoundInput,
    rate: float,
    settings: StretchSettings,
    device: str = "cpu",
) -> np.ndarray:
    """Return the logits of every step, float32 (S, K), as `score_together` does."""
    (logits,) = score_together(model, [(recording, sound)], rate, settings, device)
    return logits


@torch.inference_mode()
def score_together(
    model: Spotter,
    inputs: Sequence[tuple[Recording, SoundInput]],
    rate: float,
    settings: StretchSettings,
    device: str = "cpu",
) -> list[np.ndarray]:
    """Return the logits of every step of each input, float32 (S, K).

    Stretches of one length go through the network together, whichever input they are of. They are
    read as they are needed, so memory does not grow with the recordings. Raises ValueError for
    features of another width than the spotter's.
    """
    width = model.config.visual_dim
    for recording, _ in inputs:
        if width and recording.visual.shape[1] != width:
            raise ValueError(
                f"{recording.name}: the spotter reads {width} features a step, found "
                f"{recording.visual.shape[1]}"
            )
    length, margin = round(settings.stretch * rate), round(settings.margin * rate)
    logits = [np.zeros((r.steps, model.config.kinds), np.float32) for r, _ in inputs]
    parts = [
        (i, part)
        for i, (recording, _) in enumerate(inputs)
        for part in stretches(recording.steps, length, margin)
    ]
    for batch in _batches(parts):
        columns = zip(*(_network_input(*inputs[i], part, width) for i, part in batch), strict=True)
        arrays = [torch.from_numpy(np.stack(column)).to(device) for column in columns]
        for (i, part), rows in zip(batch, model(*arrays).cpu().numpy(), strict=True):
            kept = slice(part.first - part.start, part.last - part.start)
            logits[i][part.first : part.last] = rows[kept]
    return logits


def _batches(parts: Sequence[tuple[int, Stretch]]) -> Iterator[list[tuple[int, Stretch]]]:
    """Yield stretches of one length in groups that fit into memory."""
    by_length = groupby(parts, key=lambda part: part[1].stop - part[1].start)
    for _, of_length in by_length:
        of_one = list(of_length)
        for start in range(0, len(of_one), STRETCHES_AT_ONCE):
            yield of_one[start : start + STRETCHES_AT_ONCE]


def _network_input(
    recording: Recording, sound: SoundInput, part: Stretch, width: int
) -> tuple[np.ndarray, ...]:
    """Read what the network is given of a stretch."""
    steps = slice(part.start, part.stop)
    picture = visual_rows(recording, steps, width)
    return picture, recording.shown[steps], sound.sound[steps], sound.is_real[steps]


def visual_rows(recording: Recording, steps: slice, width: int) -> np.ndarray:
    """Read the picture of steps, float32 (n, F); nothing is read for a width of 0."""
    if not width:
        return np.zeros((steps.stop - steps.start, 0), np.float32)
    return recording.visual[steps].astype(np.float32)
