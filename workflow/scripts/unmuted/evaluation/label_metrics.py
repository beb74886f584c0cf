"""Metrics of predicted AudioSet labels against those that AST detects in the real audio."""

from __future__ import annotations

import numpy as np

from unmuted.evaluation.metrics import mean_average_precision


def label_metrics(
    present: np.ndarray, scores: np.ndarray, threshold: float
) -> dict[str, float | int | None]:
    """Measure the ranking and the decisions of one predictor; null if no label occurs.

    map and the macro means are over labels that occur in some clip (map: not in all), because only
    these have a recall. A label without any prediction has precision 0, as in scikit-learn. The
    micro means are over all decisions: a false alarm counts whether or not its label occurs.
    `chance` is the map of random scores.

    Args:
        present: bool (N, L), labels that AST detects in the real audio.
        scores: (N, L) of the predictor.
        threshold: score from which a label is predicted, chosen on validation clips.
    """
    occurs = present.any(axis=0)
    ranked = occurs & ~present.all(axis=0)
    predicted = scores >= threshold
    hits, guesses, truths = (
        table.sum(axis=0) for table in (present & predicted, predicted, present)
    )
    return {
        "clips": len(present),
        "labels": int(occurs.sum()),
        "threshold": float(threshold),
        "map": mean_average_precision(present, scores) if ranked.any() else None,
        "chance": float(present[:, ranked].mean()) if ranked.any() else None,
        "precision_micro": _share(hits.sum(), guesses.sum()) if occurs.any() else None,
        "recall_micro": _share(hits.sum(), truths.sum()) if occurs.any() else None,
        "precision_macro": _mean_share(hits[occurs], guesses[occurs]),
        "recall_macro": _mean_share(hits[occurs], truths[occurs]),
    }


def _share(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0


def _mean_share(parts: np.ndarray, wholes: np.ndarray) -> float | None:
    """Average the shares of labels; None without any."""
    if len(parts) == 0:
        return None
    return float(np.mean([_share(*each) for each in zip(parts, wholes, strict=True)]))
