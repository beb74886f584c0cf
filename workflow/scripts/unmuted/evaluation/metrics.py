"""Metrics of classification and of generated audio; each agrees with scikit-learn's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CALIBRATION_BINS = 15
CALIBRATION_DRAWS = 500  # of labels, for the error that luck alone causes
LABELS_AT_ONCE = 1_000_000  # bounds memory


def accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    """Compute the share of clips whose predicted class is the true one; both int (N,)."""
    return float((labels == predicted).mean())


def f1_counts(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count hits, truths and predictions per clip and class, for F1: float (N, 3, C)."""
    truth = np.eye(classes)[labels]  # (N, C)
    guess = np.eye(classes)[predicted]
    return np.stack([truth * guess, truth, guess], axis=1)


def macro_f1_from_counts(counts: np.ndarray) -> np.ndarray:
    """Compute macro-F1 of summed counts (..., 3, C) over the classes that are true or predicted.

    So does scikit-learn's `f1_score(average="macro")`. A resample of test clips that are drawn
    within each class has the classes of the test set.
    """
    hits, truths, guesses = counts[..., 0, :], counts[..., 1, :], counts[..., 2, :]
    present = truths + guesses > 0
    f1 = np.divide(2 * hits, truths + guesses, out=np.zeros_like(hits), where=present)
    return f1.sum(axis=-1) / present.sum(axis=-1)


def macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Average F1 = 2 hits / (truths + predictions) over the classes that are true or predicted."""
    return float(macro_f1_from_counts(f1_counts(labels, predicted, classes).sum(axis=0)))


def brier_scores(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Compute the squared distance of each clip's probabilities from the truth: float64 (..., N).

    labels: int (N,). probabilities: (..., N, C). The mean over clips is the Brier score of many
    classes, 0 to 2; the smaller, the better.
    """
    p = probabilities.astype(np.float64)
    return ((p - np.eye(p.shape[-1])[labels]) ** 2).sum(axis=-1)


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Compute minus the logarithm of each clip's probability of the truth: float64 (..., N).

    Arrays as in `brier_scores`. A probability is at least the resolution of its type, as in
    scikit-learn, so that a class that is ruled out costs much but not infinitely much.
    """
    least = np.finfo(probabilities.dtype).eps
    of_truth = np.take_along_axis(
        probabilities, np.broadcast_to(labels[:, None], (*probabilities.shape[:-1], 1)), axis=-1
    )[..., 0]
    return -np.log(np.clip(of_truth, least, 1 - least).astype(np.float64))


@dataclass(frozen=True)
class ReliabilityBins:
    """Predictions by their confidence, in 15 bins of equal width (Guo et al. 2017).

    clips, correct: int (15,), predictions of a bin, and those of them that are right. confidence:
    float (15,), its mean in a bin, NaN without predictions.
    """

    clips: np.ndarray
    correct: np.ndarray
    confidence: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the gap of confidence and accuracy, over predictions."""
        gaps = np.nan_to_num(self.confidence) * self.clips - self.correct
        return float(np.abs(gaps).sum() / self.clips.sum())


def reliability_bins(labels: np.ndarray, probabilities: np.ndarray) -> ReliabilityBins:
    """Sort predictions into the bins of the calibration error; labels (N,), probabilities (N, C).

    The confidence of a prediction is its largest probability. The lower edge of a bin belongs to
    the bin before it.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    bins = _bins(confidence)
    clips = np.bincount(bins, minlength=CALIBRATION_BINS)
    summed = np.bincount(bins, weights=confidence, minlength=CALIBRATION_BINS)
    mean = np.divide(summed, clips, out=np.full(CALIBRATION_BINS, np.nan), where=clips > 0)
    return ReliabilityBins(clips, np.bincount(bins[correct], minlength=CALIBRATION_BINS), mean)


def expected_under_calibration(probabilities: np.ndarray, seed: int = 0) -> float:
    """Compute the calibration error that a perfectly calibrated classifier would show, on average.

    probabilities: (N, C). The classifier is given labels that are drawn from its own
    probabilities, so that it is right as often as it says; what remains is the luck of N clips in
    15 bins.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins = np.eye(CALIBRATION_BINS)[_bins(confidence)]  # (N, 15)
    rng = np.random.default_rng(seed)
    at_once = max(1, LABELS_AT_ONCE // len(confidence))
    total = 0.0
    for start in range(0, CALIBRATION_DRAWS, at_once):
        draws = min(at_once, CALIBRATION_DRAWS - start)
        correct = rng.random((draws, len(confidence))) < confidence
        total += float(np.abs((confidence - correct) @ bins).sum())
    return total / CALIBRATION_DRAWS / len(confidence)


def _bins(confidence: np.ndarray) -> np.ndarray:
    return np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)


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
