"""Label prototypes: weighted means where a label is heard, AST's head where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.errors import UserError
from unmuted.systems.shared.projection import Projection, fit_projection
from unmuted.systems.shared.prototypes import Prototypes, fit_prototypes

N, T, D, A, L = 30, 5, 12, 6, 4
DOG, RAIN, BOTH, NEVER = range(L)


@pytest.fixture
def projection() -> Projection:
    rng = np.random.default_rng(0)
    return fit_projection([rng.normal(size=(T, D)).astype(np.float32) for _ in range(N)], A)


@pytest.fixture
def audio() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N, T, A)).astype(np.float32)


@pytest.fixture
def scores() -> np.ndarray:
    table = np.full((N, L), 0.03, dtype=np.float32)  # AST's floor for what is not there
    table[:10, DOG] = 0.9
    table[10:20, RAIN] = np.linspace(0.2, 0.9, 10)
    table[20:, BOTH] = 0.5
    return table


@pytest.fixture
def head() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(L, D)).astype(np.float32)


def fit(audio, scores, head, projection, min_weight: float = 1.0) -> Prototypes:
    keys = [f"{i:02d}" for i in range(len(audio))]
    return fit_prototypes(keys, audio, scores, head, projection, min_weight)


def test_a_heard_label_is_the_weighted_mean_of_its_clips(audio, scores, head, projection) -> None:
    prototypes = fit(audio, scores, head, projection)
    expected = np.average(audio[10:20].mean(axis=1), axis=0, weights=scores[10:20, RAIN])
    np.testing.assert_allclose(prototypes.vectors[RAIN], expected, atol=1e-6)
    np.testing.assert_allclose(prototypes.weight[RAIN], scores[10:20, RAIN].sum(), rtol=1e-6)


def test_small_scores_of_many_clips_are_no_evidence(audio, scores, head, projection) -> None:
    many = np.tile(scores, (100, 1))  # 3000 clips x 0.03 = 90
    prototypes = fit(np.tile(audio, (100, 1, 1)), many, head, projection)
    assert prototypes.heard.tolist() == [True, True, True, False]
    assert prototypes.weight[NEVER] == 0


def test_an_unheard_label_points_where_the_head_does(audio, scores, head, projection) -> None:
    prototypes = fit(audio, scores, head, projection)
    direction = projection.components @ (head[NEVER] - head.mean(axis=0))
    direction /= np.linalg.norm(direction)
    length = np.median(np.linalg.norm(prototypes.vectors[:NEVER], axis=1))
    np.testing.assert_allclose(prototypes.vectors[NEVER], length * direction, atol=1e-5)


def test_min_weight_decides_what_counts_as_heard(audio, scores, head, projection) -> None:
    assert fit(audio, scores, head, projection, 5.2).heard.tolist() == [True, True, False, False]


def test_nothing_heard_gives_head_directions_of_the_clips_length(audio, head, projection) -> None:
    prototypes = fit(audio, np.full((N, L), 0.01, np.float32), head, projection)
    expected = np.sqrt((audio.mean(axis=1) ** 2).sum(axis=1).mean())
    assert not prototypes.heard.any()
    np.testing.assert_allclose(np.linalg.norm(prototypes.vectors, axis=1), expected, rtol=1e-5)


def test_the_order_of_the_clips_does_not_matter(audio, scores, head, projection) -> None:
    keys = np.array([f"{i:02d}" for i in range(N)])
    order = np.random.default_rng(3).permutation(N)
    first = fit_prototypes(list(keys), audio, scores, head, projection, 1.0)
    second = fit_prototypes(list(keys[order]), audio[order], scores[order], head, projection, 1.0)
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.fitted_on.tobytes() == second.fitted_on.tobytes()


def test_a_head_of_another_model_is_refused(audio, scores, head, projection) -> None:
    with pytest.raises(UserError, match=r"head is \(4, 11\), expected \(4 labels, 12 features\)"):
        fit(audio, scores, head[:, :-1], projection)
