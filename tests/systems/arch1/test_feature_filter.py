"""The Feature Filter: similarities, the leak of the oracle, thresholds and their curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_score, recall_score
from sklearn.metrics.pairwise import cosine_similarity

from unmuted.errors import UserError
from unmuted.systems.arch1.feature_filter import (
    action_similarity,
    expected_similarity,
    kept,
    label_vectors,
    labels_agree,
    percentile_threshold,
    threshold_curve,
    true_similarity,
)

SEEDS = st.integers(0, 10_000)
N, C, L, E = 12, 4, 9, 5


def unit(rng: np.random.Generator, rows: int) -> np.ndarray:
    vectors = rng.normal(size=(rows, E)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_vector_of_a_clip_is_the_weighted_mean_of_its_best_labels() -> None:
    rng = np.random.default_rng(0)
    embeddings = unit(rng, L)
    scores = np.float32([[0.1, 0.9, 0.2, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1]])
    mean = (0.9 * embeddings[1] + 0.6 * embeddings[3]) / 1.5
    found = label_vectors(scores, embeddings, top=2)
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(
        label_vectors(scores, embeddings, top=1)[0], embeddings[1], atol=1e-6
    )


def test_small_scores_far_down_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    embeddings, scores = unit(rng, L), rng.random((N, L)).astype(np.float32)
    scores[:, :3] += 1
    changed = scores.copy()
    changed[:, 3:] *= 0.5
    np.testing.assert_array_equal(
        label_vectors(scores, embeddings, 3), label_vectors(changed, embeddings, 3)
    )


@given(seed=SEEDS)
def test_similarities_agree_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, actions = unit(rng, N), unit(rng, C)
    labels, posterior = rng.integers(C, size=N), rng.dirichlet(np.ones(C), size=(1, N))
    similarity = action_similarity(vectors, actions)
    np.testing.assert_allclose(similarity, cosine_similarity(vectors, actions), atol=1e-6)
    expected = [np.dot(p, row) for p, row in zip(posterior[0], similarity, strict=True)]
    honest = expected_similarity(similarity[:, None], posterior)
    np.testing.assert_allclose(honest[:, 0], expected, atol=1e-6)
    true = true_similarity(similarity[:, None], labels)
    np.testing.assert_array_equal(true[:, 0], similarity[np.arange(N), labels])
    assert honest.dtype == true.dtype == np.float32


def test_a_sure_and_right_classifier_sees_what_the_oracle_sees() -> None:
    rng = np.random.default_rng(2)
    similarity, labels = rng.random((N, 3, C)).astype(np.float32), rng.integers(C, size=N)
    sure = np.repeat(np.eye(C)[labels][None], 3, axis=0)
    np.testing.assert_allclose(
        expected_similarity(similarity, sure), true_similarity(similarity, labels), atol=1e-6
    )


def test_a_clips_similarity_does_not_depend_on_the_company() -> None:
    rng = np.random.default_rng(4)
    embeddings, actions = unit(rng, L), unit(rng, C)
    scores = rng.random((N, L)).astype(np.float32)
    together = action_similarity(label_vectors(scores, embeddings), actions)
    for i in range(N):
        alone = label_vectors(scores[i : i + 1], embeddings)
        np.testing.assert_array_equal(action_similarity(alone, actions)[0], together[i])


@given(seed=SEEDS, percentile=st.integers(0, 100))
def test_the_percentile_is_the_share_of_validation_clips_rejected(
    seed: int, percentile: int
) -> None:
    similarities = np.random.default_rng(seed).normal(size=200).astype(np.float32)
    keep = kept(similarities, percentile_threshold(similarities, percentile))
    assert keep.mean() == pytest.approx(1 - percentile / 100, abs=1 / 200)
    assert keep.any()
    assert similarities[keep].min() >= similarities[~keep].max(initial=-np.inf)


def test_impossible_thresholds_are_refused() -> None:
    with pytest.raises(UserError, match="0 to 100"):
        percentile_threshold(np.zeros(3), 101)
    with pytest.raises(UserError, match="no validation clips"):
        percentile_threshold(np.zeros(0), 50)
    with pytest.raises(ValueError, match="top = 10"):
        label_vectors(np.ones((1, L)), np.ones((L, E)), top=10)


def test_labels_agree_where_the_best_one_is_heard() -> None:
    present = np.array([[True, True, False], [False, True, False], [False, False, False]])
    scores = np.array([[0.1, 0.4, 0.3], [0.9, 0.8, 0.1], [0.5, 0.1, 0.1]])
    assert labels_agree(present, scores).tolist() == [True, False, False]


@given(seed=SEEDS)
def test_the_curve_is_precision_and_recall_of_keeping(seed: int) -> None:
    rng = np.random.default_rng(seed)
    similarities, agree = rng.normal(size=30), rng.random(30) < 0.4
    thresholds = np.quantile(similarities, [0, 0.3, 0.7, 1])
    curve = threshold_curve(similarities, agree, thresholds)
    for threshold, point in zip(thresholds, curve, strict=True):
        keep = similarities >= threshold
        assert point["threshold"] == threshold
        assert point["kept_share"] == pytest.approx(keep.mean())
        assert point["precision"] == pytest.approx(precision_score(agree, keep))
        if agree.any():
            assert point["recall"] == pytest.approx(recall_score(agree, keep))


def test_a_share_of_nothing_is_none() -> None:
    point = threshold_curve(np.zeros(3), np.zeros(3, bool), [1.0])[0]
    assert point == {"threshold": 1.0, "kept_share": 0.0, "precision": None, "recall": None}
