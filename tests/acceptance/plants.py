"""Defects that are planted in saved predictions; nothing is trained for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from unmuted.evaluation.outcomes import ArmOutcome


def with_leak(arm: ArmOutcome, labels: np.ndarray, gain: float, seed: int = 0) -> ArmOutcome:
    """Let an arm's classifiers know the label of some test clips, as a leak would.

    gain: the accuracy that is won. Of the clips, in an order drawn from `seed`, so many are
    answered right by all seeds that the mean accuracy rises by it.
    """
    probabilities = arm.probabilities.copy()  # (S, N, C)
    wrong = probabilities.argmax(axis=2) != labels  # (S, N)
    order = np.random.default_rng(seed).permutation(len(labels))
    won = np.cumsum(wrong[:, order].mean(axis=0)) / len(labels)
    told = order[: np.searchsorted(won, gain) + 1]
    for of_seed, is_wrong in zip(probabilities, wrong, strict=True):
        for clip in told[is_wrong[told]]:
            said, true = of_seed[clip].argmax(), labels[clip]
            of_seed[clip, [said, true]] = of_seed[clip, [true, said]]
    return replace(arm, probabilities=probabilities)


def without_information(similarity: np.ndarray, seed: int = 0) -> np.ndarray:
    """Let a dictionary know nothing of the actions: each clip's similarities lose their order.

    similarity: (N, ..., C), of the labels of a clip and each action.
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(similarity.shape[-1]) for _ in similarity]
    return np.stack([of_clip[..., o] for of_clip, o in zip(similarity, orders, strict=True)])
