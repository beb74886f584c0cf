"""The Multi Label Predictor of architecture 1: AudioSet labels of audio features.

The source rebuilds a spectrogram from 18 x 128 numbers, which cannot hold one. Here the features
are mapped back to AST's tokens, by the transpose of the projection, and pass through AST's label
head.
"""

from __future__ import annotations

import numpy as np

from unmuted.errors import UserError
from unmuted.features.label_head import LabelHead
from unmuted.systems.shared.projection import Projection


def predict_labels(features: np.ndarray, projection: Projection, head: LabelHead) -> np.ndarray:
    """Predict the scores of the labels of one clip's features, sigmoid, float32 (L,).

    The score of a label is its highest over the time steps, since a label applies to a clip in
    which it is audible once; AST's own scores of long clips are made in the same way. On the demo's
    sounds this comes closest to AST itself, ahead of the mean over time of tokens, logits or
    scores.

    AST was trained to put its head on the mean of its two special tokens; here it sees patch
    tokens, which have the same dimensions but another distribution. Scores are good for ranking;
    as probabilities they are not calibrated, hence `choose_threshold`.

    Args:
        features: (T, A), real projected or generated.
        projection: from tokens (D) to features, of the same AST as the head.
        head: AST's label head.
    """
    if head.weight.shape[1] != len(projection.mean):
        raise UserError(
            f"AST's label head reads {head.weight.shape[1]} features, the projection leads back to "
            f"{len(projection.mean)}: both must come from one AST"
        )
    logits = head.logits(projection.invert(features)).max(axis=0)  # (L,)
    return np.exp(-np.logaddexp(0, -logits.astype(np.float64))).astype(np.float32)


def choose_threshold(present: np.ndarray, scores: np.ndarray) -> float:
    """Choose the score from which a label counts as predicted, for the highest micro-F1.

    Every score that occurs is a candidate; of equally good ones the highest is chosen. Each
    predictor has its own threshold, chosen on validation clips with usable sound.

    Args:
        present: bool (N, L), labels that AST detects in the real audio.
        scores: (N, L) of the predictor.
    """
    if not present.any():
        raise UserError(
            f"AST hears no label in any of {len(present)} validation clips, so no threshold can be "
            "chosen for predicted labels: add validation clips with sound"
        )
    order = np.argsort(-scores, axis=None, kind="stable")
    ranked = scores.ravel()[order]
    hits = np.cumsum(present.ravel()[order])
    f1 = 2 * hits / (np.arange(1, ranked.size + 1) + hits[-1])
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    return float(ranked[last_of_tie[f1[last_of_tie].argmax()]])
