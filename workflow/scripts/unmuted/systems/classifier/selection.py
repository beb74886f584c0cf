"""The choice of a checkpoint on validation clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-7  # a probability of 0 in float32 would make the log-loss infinite


@dataclass(frozen=True)
class Selection:
    """The index of the chosen checkpoint, and the log-loss of each."""

    index: int
    log_losses: list[float]


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Average the negative log probability of the true class; (N, C), labels int (N,)."""
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(of_truth, SMALLEST, 1.0)).mean())


def select_snapshot(probabilities: Sequence[np.ndarray], labels: np.ndarray) -> Selection:
    """Choose the checkpoint with the least log-loss on validation clips, the earliest of equals.

    probabilities: (N, C) of the validation clips for each checkpoint in order. labels: int (N,).
    Log-loss is used because macro-F1 has ties and jumps with few validation clips.
    """
    losses = [log_loss(p, labels) for p in probabilities]
    return Selection(int(np.argmin(losses)), losses)


def best_labels(
    classes: Sequence[str], by_seed: Sequence[Sequence[float]], count: int
) -> list[dict[str, object]]:
    """Return the most probable classes of a clip: {"label", "probability"}, means over (S, C)."""
    mean = np.mean(by_seed, axis=0)
    best = np.argsort(-mean, kind="stable")[:count]
    return [{"label": classes[i], "probability": round(float(mean[i]), 4)} for i in best]
