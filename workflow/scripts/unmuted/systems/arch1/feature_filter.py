"""The Feature Filter of architecture 1: does the generated audio sound like the action?

Predicted labels and action names are compared as sentence vectors. The source compares with the
TRUE action of test clips too, which leaks the label: this is `true_similarity`, which test clips
get in the arm `oracle_filter` only. The default, `expected_similarity`, uses the posterior of
video-only classifiers, that of training clips out of fold; `best_similarity` is an option.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unmuted.errors import UserError

TOP_LABELS = 5


def label_vectors(
    scores: np.ndarray, label_embeddings: np.ndarray, top: int = TOP_LABELS
) -> np.ndarray:
    """Compute a unit vector of the predicted labels of each clip: float32 (N, E).

    It is the mean of the vectors of its `top` labels, weighted by their scores. Not of all labels,
    because the small scores of hundreds of inaudible ones pull every clip to the same mean; not of
    those above a threshold, because a clip may have none. On the demo's sounds, real or disturbed,
    the best five distinguished actions as well as ten or all, and better than one.

    Args:
        scores: (N, L), positive. label_embeddings: (L, E), unit rows.
    """
    if not 1 <= top <= scores.shape[1] == len(label_embeddings):
        raise ValueError(f"top = {top}, scores {scores.shape}, {len(label_embeddings)} labels")
    best = np.argsort(-scores, axis=1, kind="stable")[:, :top]  # (N, top)
    weights = np.take_along_axis(scores, best, axis=1)
    sums = [w @ label_embeddings[b] for w, b in zip(weights, best, strict=True)]
    vectors = np.reshape(sums, (len(scores), label_embeddings.shape[1]))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def action_similarity(vectors: np.ndarray, action_embeddings: np.ndarray) -> np.ndarray:
    """Compute cosines of predicted labels (N, E) with actions (C, E): float32 (N, C)."""
    return _cosines(vectors, action_embeddings)


def expected_similarity(similarity: np.ndarray, posterior: np.ndarray) -> np.ndarray:
    """Average the similarity under a video-only classifier's posterior, float32 (N, S): no leak.

    similarity: (N, S, C) of `action_similarity`, one generator per seed. posterior: (S, N, C).
    """
    return (similarity * posterior.swapaxes(0, 1)).sum(axis=2).astype(np.float32)


def best_similarity(similarity: np.ndarray, posterior: np.ndarray) -> np.ndarray:
    """Return the similarity with the action that fits best, float32 (N, S); as above, no leak.

    An expectation keeps what agrees with the video's guess, and so drops what could correct it;
    this keeps whatever sounds like any of the actions. The posterior is not used.
    """
    return similarity.max(axis=2).astype(np.float32)


def true_similarity(similarity: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Select the similarity with the true action, (N, S); similarity (N, S, C), labels int (N,).

    For test clips it is a LEAK, as in the source: only the arm `oracle_filter` uses it, which must
    be flagged wherever it is shown. For training clips it is a mismatch of training and test: only
    the source's filter (mode uniform) judges them by it.
    """
    return similarity[np.arange(len(labels)), :, labels]


def percentile_threshold(similarities: np.ndarray, percentile: float) -> float:
    """Return the similarity below which this percentage of validation clips lie, interpolated.

    Cosines of sentence vectors have no natural scale, so that a fixed number means nothing.
    Expected and true similarities are distributed differently: clips judged by one need a threshold
    from clips judged in the same way.
    """
    if not 0 <= percentile <= 100:
        raise UserError(f"filter percentile is {percentile}, expected 0 to 100")
    if len(similarities) == 0:
        raise UserError(
            "no validation clips to choose the filter's threshold on: add clips to the split val"
        )
    return float(np.percentile(similarities, percentile))


def kept(similarities: np.ndarray, threshold: float) -> np.ndarray:
    """Tell whether the filter keeps a clip's generated features: bool (N,)."""
    return similarities >= threshold


def labels_agree(present: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Tell whether AST detects a clip's best predicted label in the real audio: bool (N,).

    present: bool (N, L). scores: (N, L) of the predictor. Clips in which AST detects no label have
    nothing to agree with: leave them out.
    """
    return present[np.arange(len(scores)), scores.argmax(axis=1)]


def threshold_curve(
    similarities: np.ndarray, agree: np.ndarray, thresholds: Sequence[float]
) -> list[dict[str, float | None]]:
    """Compute the share that each threshold keeps, and how well it selects agreeing clips.

    Args:
        similarities: (N,).
        agree: bool (N,) of `labels_agree`.
        thresholds: from any source; the curve is a description and must not be used to choose.

    Returns:
        For each threshold {threshold, kept_share, precision, recall}: the share of clips kept, of
        the kept ones that agree, and of the agreeing ones that are kept; None without any.
    """
    curve = []
    for threshold in thresholds:
        keep = kept(similarities, threshold)
        curve.append(
            {
                "threshold": float(threshold),
                "kept_share": _share(keep),
                "precision": _share(agree[keep]),
                "recall": _share(keep[agree]),
            }
        )
    return curve


def _share(true: np.ndarray) -> float | None:
    return float(true.mean()) if len(true) else None


def _cosines(vectors: np.ndarray, action_embeddings: np.ndarray) -> np.ndarray:
    """float32 (N, C) of unit rows; row by row, so that one clip's bytes do not depend on others."""
    rows = [action_embeddings @ vector for vector in vectors]
    return np.reshape(rows, (len(vectors), len(action_embeddings))).astype(np.float32)
