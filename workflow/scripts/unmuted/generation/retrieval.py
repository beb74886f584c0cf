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
    neighbours: np.ndarray  # int64 (N, k), indices of training clips, the nearest first
    similarity: np.ndarray  # float32 (N, k), cosine


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
    audio, similarity = np.zeros(size, np.float32), np.zeros((len(data), k), np.float32)
    neighbours = np.zeros((len(data), k), dtype=np.int64)
    for fold in np.unique(folds):
        mine = np.flatnonzero(folds == fold)
        others = np.flatnonzero((of_training != fold) | (fold == FULL))
        part = retrieve(data.take(mine), training.take(others), k)
        audio[mine], similarity[mine] = part.audio, part.similarity
        neighbours[mine] = others[part.neighbours]
    return Retrieved(audio, neighbours, similarity)


def retrieve(data: GeneratorData, library: GeneratorData, k: int) -> Retrieved:
    """Mean audio of the k clips of the library with usable sound that look most like each clip.

    Likeness is the cosine of mean visual features, standardised by the library's clips with sound.
    A clip never finds itself: not its content, and no clip of its source group or of a group that
    holds its content. Equals go by content key, so the order of the clips does not matter. Raises
    UserError where fewer than k clips are left for a clip.
    """
    order = content_order(library.keys, library.visual, library.audio)
    order = order[library.has_audio[order]]
    heard = library.take(order)
    if len(heard) == 0:
        raise UserError("no training clip has usable sound: nothing to retrieve")
    looks, queries = _looks(heard, heard), _looks(data, heard)
    nearest = np.zeros((len(data), k), dtype=np.int64)
    similarity = np.zeros((len(data), k), dtype=np.float32)
    audio = np.zeros((len(data), *heard.audio.shape[1:]), dtype=np.float32)
    for start in range(0, len(data), CLIPS_AT_ONCE):
        part = np.arange(start, min(start + CLIPS_AT_ONCE, len(data)))
        cosine = np.round(queries[part] @ looks.T, DIGITS)  # (n, M)
        cosine[_related(data.take(part), heard)] = -np.inf
        _check_enough(cosine, data.take(part), k)
        nearest[part] = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
        similarity[part] = np.take_along_axis(cosine, nearest[part], axis=1)
        audio[part] = heard.audio[nearest[part]].mean(axis=1, dtype=np.float64)
    return Retrieved(audio, order[nearest], similarity)


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


def _check_enough(cosine: np.ndarray, clips: GeneratorData, k: int) -> None:
    """Raise UserError naming the clip with the fewest candidates, if they are fewer than k."""
    left = np.isfinite(cosine).sum(axis=1)
    i = int(left.argmin())
    if left[i] < k:
        raise UserError(
            f"retrieval takes the {k} nearest training clips, but for clip {clips.keys[i]} (group "
            f"{clips.groups[i]}) only {left[i]} with usable sound come from other sources: lower "
            "the number of neighbours or add training videos with sound"
        )
