"""Label prototypes: what each AudioSet label sounds like in the project's own audio space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import blocks
from unmuted.training.order import content_order, hash_keys

# AST gives labels that are not heard scores of a few thousandths to hundredths. Summed over
# thousands of clips they would pass for evidence, and the prototype would be the mean of
# everything.
AUDIBLE = 0.1


@dataclass(frozen=True)
class Prototypes:
    """One audio feature per label, and where it comes from."""

    vectors: np.ndarray  # float32 (L, A)
    weight: np.ndarray  # float32 (L,), sum of the scores of the clips in which the label is audible
    heard: np.ndarray  # bool (L,): estimated on clips; else from AST's head
    fitted_on: np.ndarray  # int64 (N,), hashes of the clips' keys


def fit_prototypes(
    keys: Sequence[str],
    audio: np.ndarray,
    scores: np.ndarray,
    head_weights: np.ndarray,
    projection: Projection,
    min_weight: float,
) -> Prototypes:
    """Mean audio feature of the training clips in which AST hears a label, weighted by its score.

    keys: content keys of the N clips. audio: (N, T, A) projected real audio. scores: (N, L) AST's
    sigmoid scores; those below AUDIBLE count as zero. head_weights: (L, D) of AST's label head,
    times the gain of the norm before it. min_weight: the sum of scores from which a label counts
    as heard. A label below it gets its head row, the direction of token space that raises its
    logit, less the mean row, projected, at the median length of the heard prototypes (or the root
    mean square length of the clips' means where none is heard).
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
    heard = weight >= max(min_weight, AUDIBLE)
    vectors = np.zeros((scores.shape[1], audio.shape[2]))
    vectors[heard] = (audible[:, heard].T @ means) / weight[heard, None]
    length = (
        np.median(np.linalg.norm(vectors[heard], axis=1)) if heard.any() else _rms_length(means)
    )
    vectors[~heard] = length * _head_directions(head_weights, projection)[~heard]
    return Prototypes(
        vectors.astype(np.float32), weight.astype(np.float32), heard, np.sort(hash_keys(keys))
    )


def _rms_length(vectors: np.ndarray) -> float:
    return float(np.sqrt((vectors**2).sum(axis=1).mean()))


def _head_directions(head_weights: np.ndarray, projection: Projection) -> np.ndarray:
    """Unit vectors (L, A): what sets each label's head row apart, in audio space."""
    apart = head_weights.astype(np.float64) - head_weights.mean(axis=0, dtype=np.float64)
    directions = apart @ projection.components.T  # a direction has no origin: no mean to subtract
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return directions / np.maximum(lengths, np.finfo(np.float64).tiny)
