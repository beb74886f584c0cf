"""Retrieved audio: the mean sound of the training clips that look most like a clip.

An arm beside the generators: what remembering, without learning, makes of the same clips.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.fitting.order import content_order, hash_keys
from unmuted.fitting.standardize import moments
from unmuted.generation.crossfit import FULL
from unmuted.generation.data import GeneratorData

CLIPS_AT_ONCE = 1024  # bounds the table of similarities
DIGITS = 9  # of a cosine: what differs less is rounding, which varies with the clips beside it


@dataclass(frozen=True)
class Retrieved:
    """Retrieved audio of N clips, and where it comes from."""

    audio: np.ndarray  # float32 (N, T, A), the mean over the neighbours
    neighbours: np.ndarray  # int64 (N, k), indices of training clips, the nearest first; -1: none
    similarity: np.ndarray  # float32 (N, k), cosine; NaN where there are fewer than k


def retrieve_cross_fitted(
    data: GeneratorData, training: GeneratorData, fold_of_group: Mapping[str, int], k: int
) -> Retrieved:
    """Retrieved audio of any clips, from training clips of other folds.

    fold_of_group: fold of every source group with training clips. Clips of these groups search
    the training clips outside their fold, others all of them. Leaving out a clip's group alone
    would give training clips nearly the choice that test clips have. But then the generated and
    the retrieved arm would differ in what a training clip's feature may know as well as in how it
    is made; with the generators' folds they know the same clips.
    """
    folds, of_training = (
        np.array([fold_of_group.get(group, FULL) for group in clips.groups])
        for clips in (data, training)
    )
    size = len(data), training.audio.shape[1], training.audio.shape[2]
    audio, similarity = np.zeros(size, np.float32), np.full((len(data), k), np.nan, np.float32)
    neighbours = np.zeros((len(data), k), dtype=np.int64)
    for fold in np.unique(folds):
        mine = np.flatnonzero(folds == fold)
        others = np.flatnonzero((of_training != fold) | (fold == FULL))
        part = retrieve(data.take(mine), training.take(others), k)
        audio[mine], similarity[mine] = part.audio, part.similarity
        neighbours[mine] = np.where(part.neighbours < 0, -1, others[part.neighbours])
    return Retrieved(audio, neighbours, similarity)


def retrieve(data: GeneratorData, library: GeneratorData, k: int) -> Retrieved:
    """Mean audio of the k clips of the library with usable sound that look most like each clip.

    Likeness is the cosine of mean visual features, standardised by the library's clips with sound.
    A clip never finds itself: not its content, and no clip of its source group or of a group that
    holds its content. Equals go by content key, so the order of the clips does not matter. Where
    fewer than k clips are left, these are all; raises UserError where none is.
    """
    order = content_order(library.keys, library.visual, library.audio)
    order = order[library.has_audio[order]]
    heard = library.take(order)
    if len(heard) == 0:
        raise UserError("no training clip has usable sound: nothing to retrieve")
    looks, queries = _looks(heard, heard), _looks(data, heard)
    neighbours = np.full((len(data), k), -1, dtype=np.int64)
    similarity = np.full((len(data), k), np.nan, dtype=np.float32)
    audio = np.zeros((len(data), *heard.audio.shape[1:]), dtype=np.float32)
    for start in range(0, len(data), CLIPS_AT_ONCE):
        part = np.arange(start, min(start + CLIPS_AT_ONCE, len(data)))
        cosine = np.round(queries[part] @ looks.T, DIGITS)  # (n, M)
        cosine[_related(data.take(part), heard)] = -np.inf
        _check_any(cosine, data.take(part))
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :k]  # (n, k), or all M
        likeness = np.take_along_axis(cosine, nearest, axis=1)
        found = np.isfinite(likeness)
        neighbours[part, : nearest.shape[1]] = np.where(found, order[nearest], -1)
        similarity[part, : nearest.shape[1]] = np.where(found, likeness, np.nan)
        weights = found / found.sum(axis=1, keepdims=True)
        audio[part] = np.einsum("nk,nkta->nta", weights, heard.audio[nearest])
    return Retrieved(audio, neighbours, similarity)


def _looks(clips: GeneratorData, library: GeneratorData) -> np.ndarray:
    """Unit vectors (N, Dv), float64: mean visual features, standardised by those of the library."""
    seen, known = (one.visual.mean(axis=1, dtype=np.float64) for one in (clips, library))
    mean, scale = moments(known[:, None], np.arange(len(known)))
    apart = (seen - mean) / scale
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    return apart / np.maximum(lengths, np.finfo(np.float64).tiny)


def _related(clips: GeneratorData, library: GeneratorData) -> np.ndarray:
    """bool (N, M): same source group, same content, or a group that holds the same content."""
    key, group = hash_keys(clips.keys)[:, None], hash_keys(clips.groups)[:, None]
    keys, groups = hash_keys(library.keys), hash_keys(library.groups)
    same = key == keys
    related = same | (group == groups)
    for i in np.flatnonzero(same.any(axis=1)):
        related[i] |= np.isin(groups, groups[same[i]])
    return related


def _check_any(cosine: np.ndarray, clips: GeneratorData) -> None:
    """Raise UserError naming a clip for which no candidate is left."""
    alone = np.flatnonzero(~np.isfinite(cosine).any(axis=1))
    if len(alone):
        raise UserError(
            f"retrieval: for clip {clips.keys[alone[0]]} (group {clips.groups[alone[0]]}) no "
            "training clip with usable sound comes from another source: add some"
        )
