"""Sound generated from the picture of matches, with the generator of architecture 1.

Its clips are overlapping windows of steps; the middle of each is kept, as in scoring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.samples.folds import Generators
from unmuted.systems.highlights.inference import Stretch, stretches
from unmuted.systems.highlights.recordings import Recording
from unmuted.systems.shared.crossfit import generate_cross_fitted
from unmuted.systems.shared.data import GeneratorData
from unmuted.training.clip_arrays import memmap_stack

OVERLAP = 4  # a quarter of a window lies on either side of what is kept
WITH_SOUND = 0.5  # of the steps of a window, for training


@dataclass(frozen=True)
class WindowOf:
    """A window of a recording, by its index; shorter recordings are padded with their last step."""

    recording: int
    stretch: Stretch


def windows_of(recordings: Sequence[Recording], length: int) -> list[WindowOf]:
    """Return the windows that cover recordings."""
    return [
        WindowOf(i, stretch)
        for i, recording in enumerate(recordings)
        for stretch in stretches(recording.steps, length, length // OVERLAP)
    ]


def window_data(
    recordings: Sequence[Recording], windows: Sequence[WindowOf], length: int
) -> GeneratorData:
    """Return windows as the clips of a generator: visual (N, T, F), sound (N, T, A)."""
    count = len(windows)

    def visual(window: WindowOf) -> np.ndarray:
        recording, steps = _where(recordings, window)
        rows = recording.visual[steps].astype(np.float32)
        return _to_length(np.where(recording.shown[steps][:, None], rows, 0), length)

    def sound(window: WindowOf) -> np.ndarray:
        recording, steps = _where(recordings, window)
        return _to_length(recording.sound[steps].astype(np.float32), length)

    return GeneratorData(
        keys=tuple(f"{recordings[w.recording].key}-{w.stretch.start}" for w in windows),
        groups=tuple(recordings[w.recording].match for w in windows),
        visual=memmap_stack(visual(window) for window in windows),
        texts=np.zeros((1, 1), np.float32),
        captions=np.zeros((count, 0), np.int64),
        steps=np.zeros((count, 0), np.int64),
        mask=np.zeros((count, 0), bool),
        audio=memmap_stack(sound(window) for window in windows),
        has_audio=np.array([_has_sound(recordings, window) for window in windows]),
        scores=np.zeros((count, 0), np.float32),
    )


def generate_sound(
    recording: Recording,
    generators: Generators,
    fold_of_match: Mapping[str, int],
    length: int,
    seed: int,
    device: str = "cpu",
) -> np.ndarray:
    """Generate the sound of all steps, float32 (S, A), by generators that have not read the match.

    Raises UserError if every generator has read it.
    """
    windows = windows_of([recording], length)
    data = window_data([recording], windows, length)
    generated = generate_cross_fitted(generators, data, fold_of_match, 1, seed, device).audio
    sound = np.zeros((recording.steps, generated.shape[2]), np.float32)
    for window, rows in zip(windows, generated, strict=True):
        kept = window.stretch
        sound[kept.first : kept.last] = rows[kept.first - kept.start : kept.last - kept.start]
    return sound


def _where(recordings: Sequence[Recording], window: WindowOf) -> tuple[Recording, slice]:
    return recordings[window.recording], slice(window.stretch.start, window.stretch.stop)


def _has_sound(recordings: Sequence[Recording], window: WindowOf) -> bool:
    recording, steps = _where(recordings, window)
    both = recording.has_sound[steps] & recording.shown[steps]
    return bool(both.mean() >= WITH_SOUND)


def _to_length(rows: np.ndarray, length: int) -> np.ndarray:
    """Repeat the last row until there are `length` of them."""
    return rows if len(rows) == length else np.pad(rows, ((0, length - len(rows)), (0, 0)), "edge")
