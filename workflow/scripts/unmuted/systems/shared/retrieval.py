"""Retrieved audio: the mean sound of the training clips that look most like a clip.

It is a baseline for the generators: it remembers the same clips without learning from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.samples.folds import NO_FOLD
from unmuted.systems.shared.data import GeneratorData
from unmuted.training.clip_arrays import blocks
from unmuted.training.moments import moments
from unmuted.training.order import content_order, hash_keys

CLIPS_AT_ONCE = 256  # bounds the table of similarities
DIGITS = 9  # of a cosine: smaller differences are rounding, which varies with the batch


@dataclass(frozen=True)
class Retrieved:
    """Retrieved audio of N clips, and the clips that it comes from."""

    audio: np.ndarray  # float32 (N, T, A), the mean over the neighbours
    neighbours: np.ndarray  # int64 (N, k), indices of training clips, the nearest first; -1: none
    similarity: np.ndarray  # float32 (N, k), cosine; NaN where there are fewer than k


def retrieve_cross_fitted(
    data: GeneratorData, training: GeneratorData, fold_of_group: Mapping[str, int], k: int
) -> Retrieved:
    """Retrieve audio for any clips from training clips of other folds.

    fold_of_group: fold of every source group with training clips. Clips of these groups search
    the training clips outside their fold, others all of them. Leaving out a clip's group alone
    would give training clips nearly the choice that test clips have. But then the generated and
    the retrieved arm would also differ in the clips that a training clip's audio may come from;
    with the folds of the generators these are the same clips.
    """
    folds, of_training = (
        np.array([fold_of_group.get(group, NO_FOLD) for group in clips.groups])
        for clips in (data, training)
    )
    size = len(data), training.audio.shape[1], training.audio.shape[2]
    audio, similarity = np.zeros(size, np.float32), np.full((len(data), k), np.nan, np.float32)
    neighbours = np.zeros((len(data), k), dtype=np.int64)
    queries, library = _LookupSet.of(data), _LookupSet.of(training)
    for fold in np.unique(folds):
        of_fold = np.flatnonzero(folds == fold)
        others = np.flatnonzero((of_training != fold) | (fold == NO_FOLD))
        part = _retrieve(queries, of_fold, library, others, k)
        audio[of_fold], similarity[of_fold] = part.audio, part.similarity
        neighbours[of_fold] = part.neighbours
    return Retrieved(audio, neighbours, similarity)


def retrieve(data: GeneratorData, library: GeneratorData, k: int) -> Retrieved:
    """Average the audio of the k clips of the library that look most like each clip.

    Only library clips with usable sound count. Similarity is the cosine of mean visual features,
    standardised by these clips. A clip never finds its own content, nor a clip of its source group
    or of a group that holds its content. Ties are broken by content key, so the order of the clips
    does not matter. If fewer than k clips are left, all are used; raises UserError for none.
    """
    queries, candidates = np.arange(len(data)), np.arange(len(library))
    return _retrieve(_LookupSet.of(data), queries, _LookupSet.of(library), candidates, k)


@dataclass(frozen=True)
class _LookupSet:
    """N clips and what retrieval compares; only the mean of their features is kept in memory."""

    clips: GeneratorData
    looks: np.ndarray  # float64 (N, Dv), mean visual features
    keys: np.ndarray  # int64 (N,), hashes
    groups: np.ndarray  # int64 (N,), hashes

    @staticmethod
    def of(clips: GeneratorData) -> _LookupSet:
        parts = blocks(np.arange(len(clips)))
        looks = [clips.visual[part].mean(axis=1, dtype=np.float64) for part in parts]
        return _LookupSet(
            clips, np.concatenate(looks), hash_keys(clips.keys), hash_keys(clips.groups)
        )


def _retrieve(
    data: _LookupSet, queries: np.ndarray, library: _LookupSet, candidates: np.ndarray, k: int
) -> Retrieved:
    """Retrieve for the clips at `queries` from the library clips at `candidates` (indices)."""
    of_library = library.clips
    order = content_order(of_library.keys, of_library.visual, of_library.audio)
    with_audio = order[of_library.has_audio[order] & np.isin(order, candidates)]  # (M,)
    if len(with_audio) == 0:
        raise UserError("no training clip has usable sound: nothing to retrieve")
    mean, scale = moments(library.looks[with_audio][:, None], np.arange(len(with_audio)))
    looks = _directions(library.looks[with_audio], mean, scale)  # (M, Dv)
    neighbours = np.full((len(queries), k), -1, dtype=np.int64)
    similarity = np.full((len(queries), k), np.nan, dtype=np.float32)
    audio = np.zeros((len(queries), *of_library.audio.shape[1:]), dtype=np.float32)
    for part in blocks(np.arange(len(queries)), CLIPS_AT_ONCE):
        clips = queries[part]
        cosine = _directions(data.looks[clips], mean, scale) @ looks.T  # (n, M)
        cosine = np.round(cosine, DIGITS, out=cosine)
        cosine[_related(data, clips, library, with_audio)] = -np.inf
        _check_any(cosine, data.clips, clips)
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :k]  # (n, k), or all M
        of_nearest = np.take_along_axis(cosine, nearest, axis=1)
        allowed = np.isfinite(of_nearest)
        neighbours[part, : nearest.shape[1]] = np.where(allowed, with_audio[nearest], -1)
        similarity[part, : nearest.shape[1]] = np.where(allowed, of_nearest, np.nan)
        weights = allowed / allowed.sum(axis=1, keepdims=True)
        audio[part] = np.einsum("nk,nkta->nta", weights, of_library.audio[with_audio[nearest]])
    return Retrieved(audio, neighbours, similarity)


def _directions(looks: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Standardise looks (N, Dv) and scale them to unit vectors, in place."""
    looks -= mean
    looks /= scale
    for part in blocks(np.arange(len(looks))):
        lengths = np.linalg.norm(looks[part], axis=1, keepdims=True)
        looks[part] /= np.maximum(lengths, np.finfo(np.float64).tiny)
    return looks


def _related(
    data: _LookupSet, clips: np.ndarray, library: _LookupSet, with_audio: np.ndarray
) -> np.ndarray:
    """Find library clips of the same source, the same content, or a group with it: bool (n, M)."""
    groups = library.groups[with_audio]
    same = data.keys[clips][:, None] == library.keys[with_audio]
    related = same | (data.groups[clips][:, None] == groups)
    for i in np.flatnonzero(same.any(axis=1)):
        related[i] |= np.isin(groups, groups[same[i]])
    return related


def _check_any(cosine: np.ndarray, data: GeneratorData, clips: np.ndarray) -> None:
    """Raise UserError naming a clip for which no candidate is left."""
    alone = clips[~np.isfinite(cosine).any(axis=1)]
    if len(alone):
        raise UserError(
            f"retrieval: for clip {data.keys[alone[0]]} (group {data.groups[alone[0]]}) no "
            "training clip with usable sound comes from another source: add some"
        )
