"""Audio generated from the pictures of a clip, with the generator of architecture 1.

Its clips are the windows that the segmentation reads; shorter ones are padded with their last
second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unmuted.samples.folds import Generators
from unmuted.systems.segmentation.windows import Window, windows
from unmuted.systems.shared.crossfit import generate_cross_fitted
from unmuted.systems.shared.data import GeneratorData
from unmuted.training.clip_arrays import memmap_stack


def generator_data(
    looks: Sequence[np.ndarray],
    audio: Sequence[np.ndarray],
    has_audio: Sequence[np.ndarray],
    keys: Sequence[str],
    groups: Sequence[str],
    length: int,
) -> GeneratorData:
    """Return the windows of clips as the clips of a generator.

    Args:
        looks: float32 (K, F) of each clip's pictures.
        audio: float32 (K, A) of its sound.
        has_audio: bool (K,); windows with a second that has none are not trained on.
        keys: digest of its pictures.
        groups: its source.
        length: seconds of a window.
    """
    found: list[tuple[int, Window]] = [
        (i, window) for i, rows in enumerate(looks) for window in windows(len(rows), length)
    ]
    count = len(found)
    return GeneratorData(
        keys=tuple(f"{keys[i]}-{window.start}" for i, window in found),
        groups=tuple(groups[i] for i, _ in found),
        visual=memmap_stack(_to_length(looks[i][w.seconds], length) for i, w in found),
        texts=np.zeros((1, 1), np.float32),
        captions=np.zeros((count, 0), np.int64),
        steps=np.zeros((count, 0), np.int64),
        mask=np.zeros((count, 0), bool),
        audio=memmap_stack(_to_length(audio[i][w.seconds], length) for i, w in found),
        has_audio=np.array([bool(has_audio[i][w.seconds].all()) for i, w in found]),
        scores=np.zeros((count, 0), np.float32),
    )


def generate(
    looks: np.ndarray,
    key: str,
    group: str,
    generators: Generators,
    fold_of_group: Mapping[str, int],
    length: int,
    seed: int,
    device: str = "cpu",
) -> np.ndarray:
    """Generate the audio of a clip, float32 (K, A), by generators that have not read its source.

    It is a function of the pictures. Raises UserError if every generator has read the source.
    """
    nothing = np.zeros((len(looks), 1), np.float32)
    has_audio = np.zeros(len(looks), bool)
    data = generator_data([looks], [nothing], [has_audio], [key], [group], length)
    made = generate_cross_fitted(generators, data, fold_of_group, 1, seed, device).audio
    audio = np.zeros((len(looks), made.shape[2]), np.float32)
    for window, rows in zip(windows(len(looks), length), made, strict=True):
        audio[window.first : window.stop] = rows[window.first - window.start :][
            : window.stop - window.first
        ]
    return audio


def _to_length(rows: np.ndarray, length: int) -> np.ndarray:
    """Repeat the last row until there are `length` of them."""
    rows = rows.astype(np.float32)
    return rows if len(rows) == length else np.pad(rows, ((0, length - len(rows)), (0, 0)), "edge")
