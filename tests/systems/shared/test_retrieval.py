"""Retrieved audio: against scikit-learn's neighbours, and who is never a neighbour of whom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from unmuted.errors import UserError
from unmuted.systems.shared.data import ClipInputs, GeneratorData, collate
from unmuted.systems.shared.retrieval import retrieve, retrieve_cross_fitted

T, DV, A, K = 4, 7, 3, 3


def make_clips(n: int, prefix: str, seed: int = 0, clips_a_group: int = 1) -> GeneratorData:
    """Clips of random looks and sounds; one in eight has no sound."""
    rng = np.random.default_rng(seed)
    clips = [
        ClipInputs(
            key=f"{prefix}{(i * 7919) % 1000:03d}",
            group=f"{prefix}-source{i // clips_a_group}",
            visual=(rng.normal(size=(T, DV)) * np.arange(1, DV + 1) + 5).astype(np.float32),
            captions=np.zeros((0, 2), np.float32),
            steps=np.zeros(0, np.int64),
            audio=None if i % 8 == 7 else rng.normal(size=(T, A)).astype(np.float32),
        )
        for i in range(n)
    ]
    return collate(clips, audio_dim=A, max_captions=1)


def copies(clips: GeneratorData, group: str) -> GeneratorData:
    """The same content from another source."""
    return replace(clips, groups=(group,) * len(clips))


@pytest.mark.parametrize("k", [1, 5])
def test_neighbours_agree_with_scikit_learn(k: int) -> None:
    library, data = make_clips(90, "train"), make_clips(40, "test", seed=1)
    found = retrieve(data, library, k)
    heard = np.flatnonzero(library.has_audio)
    scaler = StandardScaler().fit(library.visual[heard].mean(axis=1, dtype=np.float64))
    looks, queries = (
        scaler.transform(clips.visual.mean(axis=1, dtype=np.float64))
        for clips in (library.take(heard), data)
    )
    search = NearestNeighbors(n_neighbors=k, metric="cosine").fit(looks)
    distance, nearest = search.kneighbors(queries)
    np.testing.assert_array_equal(found.neighbours, heard[nearest])
    np.testing.assert_allclose(found.similarity, 1 - distance, atol=1e-6)
    np.testing.assert_allclose(found.audio, library.audio[heard[nearest]].mean(axis=1), atol=1e-6)
    assert found.audio.dtype == found.similarity.dtype == np.float32


def test_clips_without_usable_sound_are_never_read() -> None:
    library, data = make_clips(40, "train"), make_clips(10, "test", seed=1)
    found = retrieve(data, library, K)
    assert library.has_audio[found.neighbours].all()
    audio, visual = library.audio.copy(), library.visual.copy()
    audio[~library.has_audio], visual[~library.has_audio] = 99, 99
    again = retrieve(data, replace(library, audio=audio, visual=visual), K)
    assert found.audio.tobytes() == again.audio.tobytes()


def test_a_clip_never_finds_itself_its_source_or_a_copy_of_its_source() -> None:
    library = make_clips(40, "train", clips_a_group=4)
    elsewhere = copies(library, "elsewhere")
    for data in (library, elsewhere):
        neighbours = retrieve(data, library, K).neighbours
        for i, group in enumerate(library.groups):
            assert group not in {library.groups[j] for j in neighbours[i]}
    alone = library.take(np.array([0]))  # by its key only: no other clip is of its source
    assert library.keys[0] not in {
        library.keys[j] for j in retrieve(alone, library, K).neighbours[0]
    }


def test_equals_go_by_content_key() -> None:
    library, data = make_clips(30, "train"), make_clips(5, "test", seed=1)
    visual = np.tile(library.visual[:3], (10, 1, 1))  # ten clips each that look the same
    library = replace(library, visual=visual, has_audio=np.ones(30, bool))
    for row in retrieve(data, library, K).neighbours:
        assert len({i % 3 for i in row}) == 1
        rivals = sorted(library.keys[i] for i in range(row[0] % 3, 30, 3))
        assert [library.keys[i] for i in row] == rivals[:K]


@settings(max_examples=20)
@given(seed=st.integers(0, 999), ties=st.booleans())
def test_the_order_of_clips_and_their_neighbours_change_no_bit(seed: int, ties: bool) -> None:
    library, data = make_clips(60, "train"), make_clips(20, "test", seed=1)
    if ties:
        library = replace(library, visual=library.visual[np.arange(60) % 5])
    found = retrieve(data, library, K)
    rng = np.random.default_rng(seed)
    moved, queries = rng.permutation(60), rng.permutation(20)[: rng.integers(1, 21)]
    again = retrieve(data.take(queries), library.take(moved), K)
    np.testing.assert_array_equal(moved[again.neighbours], found.neighbours[queries])
    assert again.audio.tobytes() == found.audio[queries].tobytes()
    assert again.similarity.tobytes() == found.similarity[queries].tobytes()


def test_training_clips_search_outside_their_fold_and_others_everywhere() -> None:
    training, test = make_clips(60, "train", clips_a_group=3), make_clips(10, "test", seed=1)
    fold_of = {group: i % 3 for i, group in enumerate(dict.fromkeys(training.groups))}
    folds = np.array([fold_of[group] for group in training.groups])
    own = retrieve_cross_fitted(training, training, fold_of, K)
    assert (folds[own.neighbours] != folds[:, None]).all()
    for fold in range(3):
        mine, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        expected = retrieve(training.take(mine), training.take(others), K)
        assert own.audio[mine].tobytes() == expected.audio.tobytes()
        np.testing.assert_array_equal(own.neighbours[mine], others[expected.neighbours])
    unseen = retrieve_cross_fitted(test, training, fold_of, K)
    assert unseen.audio.tobytes() == retrieve(test, training, K).audio.tobytes()
    assert set(folds[unseen.neighbours.ravel()]) == {0, 1, 2}


def test_a_training_clips_own_fold_cannot_change_what_it_retrieves() -> None:
    """Neither their sounds nor their looks, which would enter through the standardisation."""
    training = make_clips(60, "train", clips_a_group=3)
    fold_of = {group: i % 3 for i, group in enumerate(dict.fromkeys(training.groups))}
    mine = np.array([fold_of[group] == 1 for group in training.groups])
    noisy = replace(
        training,
        audio=np.where(mine[:, None, None], np.float32(50), training.audio),
        visual=np.where(mine[:, None, None], np.float32(50), training.visual),
    )
    clean = retrieve_cross_fitted(training.take(mine), training, fold_of, K)
    again = retrieve_cross_fitted(training.take(mine), noisy, fold_of, K)
    assert clean.audio.tobytes() == again.audio.tobytes()


def test_a_copy_of_a_training_clip_elsewhere_does_not_get_its_sound_back() -> None:
    training = make_clips(40, "train", clips_a_group=4)
    fold_of = {group: i % 2 for i, group in enumerate(dict.fromkeys(training.groups))}
    found = retrieve_cross_fitted(copies(training, "elsewhere"), training, fold_of, 1)
    groups = np.array(training.groups)
    assert (groups[found.neighbours[:, 0]] != groups).all()


def test_where_fewer_are_left_these_are_all() -> None:
    library, data = make_clips(7, "train", clips_a_group=4), make_clips(2, "test", seed=1)
    library = replace(library, has_audio=np.ones(7, bool))
    found, all_of_them = retrieve(data, library, 9), retrieve(data, library, 7)
    np.testing.assert_array_equal(found.neighbours[:, :7], all_of_them.neighbours)
    assert (found.neighbours[:, 7:] == -1).all() and np.isnan(found.similarity[:, 7:]).all()
    mean = library.audio.mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(found.audio, np.stack([mean, mean]), atol=1e-6)
    own = retrieve(library, library, 4)  # four clips of one source have three of the other
    for i, row in enumerate(own.neighbours):
        left = row[row >= 0]
        assert {library.groups[j] for j in left} == set(library.groups) - {library.groups[i]}
        expected = library.audio[left].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(own.audio[i], expected, atol=1e-6)
    assert np.isnan(own.similarity).sum() == 4


def test_no_clip_at_all_is_refused() -> None:
    library, data = make_clips(4, "train", clips_a_group=4), make_clips(2, "test", seed=1)
    with pytest.raises(UserError, match=r"\(group train-source0\) no training clip"):
        retrieve(library, library, 4)
    with pytest.raises(UserError, match="no training clip has usable sound"):
        retrieve(data, replace(library, has_audio=np.zeros(4, bool)), 1)
