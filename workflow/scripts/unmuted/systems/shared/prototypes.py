"""Label prototypes: the audio features of each AudioSet label, in the projection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import blocks
from unmuted.training.order import content_order, hash_keys

# AST gives labels that are not audible scores of a few thousandths to hundredths. Summed over
# thousands of clips they would count as evidence, and the prototype would be the mean of all
# clips.
AUDIBLE = 0.1


@dataclass(frozen=True)
class Prototypes:
    """One audio feature per label, and how it was estimated."""

    vectors: np.ndarray  # float32 (L, A)
    weight: np.ndarray  # float32 (L,), sum of the scores of the clips in which the label is audible
    heard: np.ndarray  # bool (L,): whether it was estimated on clips; else it comes from AST's head
    fitted_on: np.ndarray  # int64 (N,), hashes of the clips' keys


def fit_prototypes(
    keys: Sequence[str],
    audio: np.ndarray,
    scores: np.ndarray,
    head_weights: np.ndarray,
    projection: Projection,
    min_weight: float,
) -> Prototypes:
    """Average the audio features of the training clips of each label, weighted by its score.

    keys: content keys of the N clips. audio: (N, T, A) projected real audio. scores: (N, L) AST's
    sigmoid scores; those below AUDIBLE count as zero. head_weights: (L, D) of AST's label head,
    times the gain of the norm before it. min_weight: the sum of scores from which a label has
    evidence. A label without it gets the direction of the tokens that raises its logit: its head
    row less the mean row, projected, with the median length of the prototypes with evidence (or
    the root mean square length of the means of the clips if there are none).
    """
    if head_weights.shape != (scores.shape[1], len(projection.mean)):
        raise UserError(
            f"AST's label head is {head_weights.shape}, expected ({scores.shape[1]} labels, "
            f"{len(projection.mean)} features): head, scores and projection must come from one AST"
        )
    order = content_order(keys, audio, scores)
    means = np.concatenate([audio[part].mean(axis=1, dtype=np.float64) for part in blocks(order)])
    audible = np.where(scores[order] >= AUDIBLE, scores[order], 0.0).astype(np.float64)  # (N, L)
    weight = audible.sum(axis=0)
    has_evidence = weight >= max(min_weight, AUDIBLE)
    vectors = np.zeros((scores.shape[1], audio.shape[2]))
    vectors[has_evidence] = (audible[:, has_evidence].T @ means) / weight[has_evidence, None]
    length = (
        np.median(np.linalg.norm(vectors[has_evidence], axis=1))
        if has_evidence.any()
        else _rms_length(means)
    )
    directions = _head_directions(head_weights, projection)
    vectors[~has_evidence] = length * directions[~has_evidence]
    return Prototypes(
        vectors.astype(np.float32),
        weight.astype(np.float32),
        has_evidence,
        np.sort(hash_keys(keys)),
    )


def _rms_length(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1).mean()))


def _head_directions(head_weights: np.ndarray, projection: Projection) -> np.ndarray:
    """Project how the head row of each label differs from the mean row: unit vectors (L, A)."""
    apart = head_weights.astype(np.float64) - head_weights.mean(axis=0, dtype=np.float64)
    directions = apart @ projection.components.T  # a direction has no origin: no mean to subtract
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return directions / np.maximum(lengths, np.finfo(np.float64).tiny)
