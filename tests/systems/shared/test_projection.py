"""PCA projection: agreement with scikit-learn, inverse, signs, bounded memory, clear errors."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from unmuted.errors import UserError
from unmuted.systems.shared.projection import CLIPS_AT_ONCE, fit_projection


def clips(n: int = 150, steps: int = 6, dim: int = 10, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(dim, dim)) * np.geomspace(3, 0.1, dim)[:, None]
    return [(rng.normal(size=(steps, dim)) @ mix + 7).astype(np.float32) for _ in range(n)]


def test_agrees_with_scikit_learn() -> None:
    tokens = clips()
    ours = fit_projection(tokens, 4)
    theirs = PCA(4, svd_solver="full").fit(np.concatenate(tokens).astype(np.float64))
    signs = np.sign((ours.components * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.components, theirs.components_ * signs[:, None], atol=1e-5)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, rtol=1e-5)
    np.testing.assert_allclose(
        ours.apply(tokens[0]), theirs.transform(tokens[0]) * signs, atol=1e-4
    )


def test_features_are_centred_and_uncorrelated() -> None:
    tokens = clips()
    features = fit_projection(tokens, 4).apply(np.concatenate(tokens)).astype(np.float64)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-5)
    covariance = np.cov(features.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-4)


def test_all_components_lose_nothing() -> None:
    tokens = clips()
    projection = fit_projection(tokens, 10)
    np.testing.assert_allclose(projection.invert(projection.apply(tokens[3])), tokens[3], atol=1e-4)
    assert projection.explained.sum() == pytest.approx(1)


def test_inverse_is_the_nearest_point_of_the_subspace() -> None:
    tokens = clips()
    projection = fit_projection(tokens, 4)
    back = projection.invert(projection.apply(tokens[0]))
    residual = (tokens[0] - back) @ projection.components.T
    np.testing.assert_allclose(residual, 0, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), dim=st.integers(2, 12))
def test_the_largest_loading_is_positive(seed: int, dim: int) -> None:
    components = fit_projection(clips(dim=dim, seed=seed), 2).components
    strongest = np.abs(components).argmax(axis=1)
    assert (components[np.arange(2), strongest] > 0).all()


def test_order_matters_by_rounding_only() -> None:
    tokens = clips()
    first, second = fit_projection(tokens, 4), fit_projection(tokens[::-1], 4)
    np.testing.assert_allclose(first.components, second.components, atol=1e-5)


def test_memory_does_not_grow_with_the_clips() -> None:
    seen: list[weakref.ref] = []
    most_alive = 0

    def stream():
        nonlocal most_alive
        for seed in range(3 * CLIPS_AT_ONCE):
            tokens = clips(1, seed=seed)[0]
            seen.append(weakref.ref(tokens))
            most_alive = max(most_alive, sum(ref() is not None for ref in seen))
            yield tokens

    fit_projection(stream(), 4)
    assert len(seen) == 3 * CLIPS_AT_ONCE
    assert most_alive <= 2 * CLIPS_AT_ONCE  # of 3


def test_clips_of_different_lengths_count_by_their_steps() -> None:
    tokens = clips()
    uneven = [np.concatenate(tokens[:15]), *tokens[15:]]
    np.testing.assert_allclose(
        fit_projection(tokens, 3).components, fit_projection(uneven, 3).components, atol=1e-5
    )


@pytest.mark.parametrize(
    ("n", "steps", "dim", "audio_dim", "most"),
    [(150, 6, 10, 11, "10"), (1, 4, 10, 4, "3")],
)
def test_too_little_data_is_refused_with_the_most_that_works(
    n: int, steps: int, dim: int, audio_dim: int, most: str
) -> None:
    with pytest.raises(UserError, match=f"audio_dim is {audio_dim}.*at most {most} "):
        fit_projection(clips(n, steps, dim), audio_dim)


@pytest.mark.parametrize(("n", "steps"), [(0, 6), (1, 1)])
def test_without_sound_no_audio_dim_is_asked_for(n: int, steps: int) -> None:
    with pytest.raises(
        UserError, match=f"give {n} time steps: .* needs training videos with sound"
    ):
        fit_projection(clips(n, steps, 10), 1)
