"""Cross-fitting: which generator serves which clip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from unmuted.fitting.states import State, settings_of
from unmuted.generation.data import GeneratorData
from unmuted.generation.folds import has_seen
from unmuted.generation.training import Generated, generate

FULL = -1  # stands for the generator fitted on all training clips


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

    fold_of_group: fold of every source group with training clips. Clips of other groups use the
    full generator, but for those whose content it knows from another group: they use the first
    fold's that does not. Raises UserError where every generator knows a clip.
    """
    folds = np.array([fold_of_group.get(group, FULL) for group in data.groups])
    known = (folds == FULL) & has_seen(full_state, data.keys, data.groups)
    for fold in sorted(fold_states, reverse=True):
        folds[known & ~has_seen(fold_states[fold], data.keys, data.groups)] = fold
    steps, audio_dim = data.visual.shape[1], settings_of(full_state)["audio_dim"]
    audio = np.zeros((len(data), steps, audio_dim), dtype=np.float32)
    spread = np.zeros(len(data), dtype=np.float32)
    for fold in np.unique(folds):
        state = full_state if fold == FULL else fold_states[int(fold)]
        chosen = folds == fold
        part = generate(state, data.take(chosen), draws, seed, device)
        audio[chosen], spread[chosen] = part.audio, part.spread
    return Generated(audio, spread)
