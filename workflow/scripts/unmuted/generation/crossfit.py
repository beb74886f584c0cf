"""Cross-fitting: which clips a generator may read, and which generator serves which clip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unmuted.fitting.states import State, settings_of
from unmuted.generation.data import GeneratorData
from unmuted.generation.training import Generated, generate


def clips_to_fit(
    is_training: np.ndarray, has_audio: np.ndarray, folds: np.ndarray, held_out: int | None
) -> np.ndarray:
    """bool (N,): the clips that projection, prototypes and generator of a fold may read.

    is_training, has_audio: bool (N,). folds: int (N,), ignored for clips that are not training.
    held_out: the fold left out; None for the models that serve validation, test and unlabeled
    clips.
    """
    chosen = is_training & has_audio
    return chosen if held_out is None else chosen & (folds != held_out)


def generate_cross_fitted(
    fold_states: Mapping[int, State],
    full_state: State,
    data: GeneratorData,
    fold_of_group: Mapping[str, int],
    draws: int,
    seed: int,
    device: str = "cpu",
) -> Generated:
    """Generated audio of any clips, each by a generator that knows neither the clip nor its source.

    fold_of_group: fold of every source group with training clips; clips of other groups use the
    full generator.
    """
    folds = np.array([fold_of_group.get(group, -1) for group in data.groups])
    steps, audio_dim = data.visual.shape[1], settings_of(full_state)["audio_dim"]
    audio = np.zeros((len(data), steps, audio_dim), dtype=np.float32)
    spread = np.zeros(len(data), dtype=np.float32)
    for fold in np.unique(folds):
        state = full_state if fold < 0 else fold_states[int(fold)]
        chosen = folds == fold
        part = generate(state, data.take(chosen), draws, seed, device)
        audio[chosen], spread[chosen] = part.audio, part.spread
    return Generated(audio, spread)
