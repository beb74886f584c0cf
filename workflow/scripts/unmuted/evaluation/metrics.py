"""Metrics of classification and of generated audio; each agrees with scikit-learn's."""

from __future__ import annotations

import numpy as np

CALIBRATION_BINS = 15


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the share of clips whose predicted class is the true one; both int (N,)."""
    return float((labels == predicted).mean())


def f1_counts(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count hits, truths and predictions per clip and class, for F1: float (N, 3, C)."""
    truth = np.eye(classes)[labels]  # (N, C)
    guess = np.eye(classes)[predicted]
    return np.stack([truth * guess, truth, guess], axis=1)


def macro_f1_from_counts(counts: np.ndarray) -> np.ndarray:
    """Compute macro-F1 of summed counts (..., 3, C) over the classes that occur.

    Otherwise a class that is missing from a resample of few groups would count as a failure and
    bias the whole interval downwards.
    """
    hits, truths, guesses = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    present = truths > 0
    f1 = np.divide(2 * hits, truths + guesses, out=np.zeros_like(hits), where=present)
    return f1.sum(axis=-1) / present.sum(axis=-1)


def macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Average F1 = 2 hits / (truths + predictions) over the classes that occur."""
    return float(macro_f1_from_counts(f1_counts(labels, predicted, classes).sum(axis=0)))


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Average the gap of confidence and accuracy over 15 equal bins (Guo et al. 2017)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def mean_cosine(predicted: np.ndarray, target: np.ndarray) -> float:
    """Average the cosine similarity of features (..., A) over all time steps of all clips."""
    p, t = predicted.astype(np.float64), target.astype(np.float64)
    lengths = np.linalg.norm(p, axis=-1) * np.linalg.norm(t, axis=-1)
    return float(((p * t).sum(axis=-1) / np.maximum(lengths, 1e-12)).mean())


def r2(predicted: np.ndarray, target: np.ndarray) -> float:
    """Compute the explained share of the variance of features (..., A) over clips and time.

    It is summed over features, as scikit-learn's `variance_weighted`: 0 is the best constant
    prediction, values below 0 are worse.
    """
    p = predicted.reshape(-1, predicted.shape[-1]).astype(np.float64)
    t = target.reshape(-1, target.shape[-1]).astype(np.float64)
    return float(1.0 - ((t - p) ** 2).sum() / ((t - t.mean(axis=0)) ** 2).sum())


def mean_average_precision(present: np.ndarray, scores: np.ndarray) -> float:
    """Average over labels the average precision of ranking clips by score.

    present: bool (N, L); labels with no positive clip, or only positive ones, are left out (nan
    if none is left). scores: float (N, L); equal scores are ranked together, as scikit-learn
    does.
    """
    ranked = present.any(axis=0) & ~present.all(axis=0)
    if not ranked.any():
        return float("nan")
    pairs = zip(present[:, ranked].T, scores[:, ranked].T, strict=True)
    return float(np.mean([_average_precision(p, s) for p, s in pairs]))


def _average_precision(present: np.ndarray, scores: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(present[order])
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    precision = hits[last_of_tie] / (last_of_tie + 1)
    recall = hits[last_of_tie] / hits[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())
