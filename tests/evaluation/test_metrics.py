"""Each metric against scikit-learn or its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.metrics.pairwise import paired_cosine_distances

from unmuted.evaluation import metrics
from unmuted.evaluation.metrics import (
    accuracy,
    brier_scores,
    expected_under_calibration,
    f1_counts,
    log_losses,
    macro_f1,
    macro_f1_from_counts,
    mean_average_precision,
    mean_cosine,
    r2,
    reliability_bins,
)
from unmuted.evaluation.semantics import content_words_right

SEEDS = st.integers(0, 10_000)


@settings(deadline=None)
@given(seed=SEEDS, clips=st.integers(1, 40), classes=st.integers(2, 6))
def test_accuracy_and_macro_f1_agree_with_scikit_learn(seed: int, clips: int, classes: int) -> None:
    """Also where some classes are not true of any clip, or never predicted."""
    labels, predicted = np.random.default_rng(seed).integers(classes, size=(2, clips))
    assert accuracy(labels, predicted) == pytest.approx(reference.accuracy_score(labels, predicted))
    expected = reference.f1_score(labels, predicted, average="macro")
    assert macro_f1(labels, predicted, classes) == pytest.approx(expected)


def test_macro_f1_of_many_sums_at_once() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(3, size=(2, 50))
    counts = f1_counts(labels, predicted, 3)
    halves = np.stack([counts[:25].sum(axis=0), counts[25:].sum(axis=0)])
    expected = [macro_f1(labels[:25], predicted[:25], 3), macro_f1(labels[25:], predicted[25:], 3)]
    np.testing.assert_allclose(macro_f1_from_counts(halves), expected)


@settings(deadline=None)
@given(seed=SEEDS, clips=st.integers(1, 40), classes=st.integers(2, 6))
def test_brier_score_and_log_loss_agree_with_scikit_learn(
    seed: int, clips: int, classes: int
) -> None:
    rng = np.random.default_rng(seed)
    probabilities = np.float32(rng.dirichlet(np.ones(classes) / 4, size=clips))
    probabilities[0] = np.eye(classes)[0]  # a class that is ruled out
    labels = rng.integers(classes, size=clips)
    expected = reference.log_loss(labels, probabilities, labels=np.arange(classes))
    assert log_losses(labels, probabilities).mean() == pytest.approx(expected, rel=1e-5)
    if clips > 1:
        expected = reference.brier_score_loss(
            np.append(labels, range(classes)),
            np.concatenate([probabilities, np.eye(classes)]),
            labels=np.arange(classes),
            scale_by_half=False,
        )
        found = brier_scores(labels, probabilities).sum() / (clips + classes)
        assert found == pytest.approx(expected, rel=1e-5)


def test_losses_of_several_seeds_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(3), size=(2, 7)), rng.integers(3, size=7)
    for loss in (brier_scores, log_losses):
        found = loss(labels, probabilities)
        assert found.shape == (2, 7)
        for of_seed, one in zip(probabilities, found, strict=True):
            np.testing.assert_allclose(loss(labels, of_seed), one)


def calibrated(rng: np.random.Generator, clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and labels that are drawn from them."""
    probabilities = rng.dirichlet(np.full(8, 0.6), size=clips)
    labels = (probabilities.cumsum(axis=1) > rng.random((clips, 1))).argmax(axis=1)
    return labels, probabilities


@pytest.mark.parametrize("clips", [61, 400])
def test_a_calibrated_classifier_reports_about_0(clips: int) -> None:
    rng = np.random.default_rng(0)
    raw, debiased = [], []
    for _ in range(150):
        labels, probabilities = calibrated(rng, clips)
        error = reliability_bins(labels, probabilities).error
        raw.append(error)
        debiased.append(error - expected_under_calibration(probabilities))
    assert abs(np.mean(debiased)) < 0.006
    assert min(debiased) < 0  # it is not cut off at 0, which would be a bias again
    assert np.mean(raw) > (0.11 if clips == 61 else 0.04)  # what was reported before


def test_a_classifier_that_is_too_sure_is_not_called_calibrated() -> None:
    rng = np.random.default_rng(1)
    labels, probabilities = calibrated(rng, 400)
    sure = probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True)
    assert reliability_bins(labels, sure).error - expected_under_calibration(sure) > 0.1


def test_the_expected_error_is_the_same_at_every_call_and_in_any_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, probabilities = calibrated(np.random.default_rng(2), 50)
    whole = expected_under_calibration(probabilities)
    assert whole == expected_under_calibration(probabilities)
    monkeypatch.setattr(metrics, "LABELS_AT_ONCE", 1_234)
    assert expected_under_calibration(probabilities) == pytest.approx(whole)


def test_calibration_error_of_known_cases() -> None:
    sure = np.tile([1.0, 0.0], (10, 1))
    assert reliability_bins(np.zeros(10, int), sure).error == 0
    assert reliability_bins(np.ones(10, int), sure).error == 1
    labels = np.array([0] * 7 + [1] * 3)
    assert reliability_bins(labels, np.tile([0.7, 0.3], (10, 1))).error == pytest.approx(0)
    assert reliability_bins(labels, np.tile([0.9, 0.1], (10, 1))).error == pytest.approx(0.2)


def test_bins_hold_every_prediction_once_and_give_the_error() -> None:
    labels, probabilities = calibrated(np.random.default_rng(3), 200)
    bins = reliability_bins(labels, probabilities)
    confidence, hits = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    assert bins.clips.sum() == 200 and bins.correct.sum() == hits.sum()
    expected = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        assert bins.clips[i] == inside.sum() and bins.correct[i] == hits[inside].sum()
        if inside.any():
            assert bins.confidence[i] == pytest.approx(confidence[inside].mean())
            expected += inside.mean() * abs(hits[inside].mean() - confidence[inside].mean())
        else:
            assert np.isnan(bins.confidence[i])
    assert bins.error == pytest.approx(expected)
    edges = reliability_bins(np.zeros(2, int), np.array([[0.6, 0.4], [1.0, 0.0]]))  # 9/15, 15/15
    assert edges.clips.nonzero()[0].tolist() == [8, 14]


@settings(deadline=None)
@given(seed=SEEDS, clips=st.integers(1, 60))
def test_calibration_error_agrees_with_its_definition(seed: int, clips: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4) / 2, size=clips)
    labels = rng.integers(4, size=clips)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for low in np.arange(15) / 15:
        inside = (confidence > low) & (confidence <= low + 1 / 15)
        if inside.any():
            gap = abs(confidence[inside].mean() - right[inside].mean())
            expected += inside.mean() * gap
    assert reliability_bins(labels, probabilities).error == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(seed=SEEDS)
def test_cosine_and_r2_agree_with_scikit_learn(seed: int) -> None:
    predicted, target = np.random.default_rng(seed).normal(size=(2, 6, 3, 4))
    flat = predicted.reshape(-1, 4), target.reshape(-1, 4)
    assert mean_cosine(predicted, target) == pytest.approx(
        1 - paired_cosine_distances(*flat).mean()
    )
    expected = reference.r2_score(flat[1], flat[0], multioutput="variance_weighted")
    assert r2(predicted, target) == pytest.approx(expected)


def test_r2_is_0_for_the_mean_and_1_for_the_truth() -> None:
    target = np.random.default_rng(0).normal(5, 2, size=(6, 3, 4)).astype(np.float32)
    mean = np.broadcast_to(target.mean(axis=(0, 1)), target.shape)
    assert r2(mean, target) == pytest.approx(0, abs=1e-5)
    assert r2(target, target) == 1


def test_a_zero_feature_has_no_direction() -> None:
    assert mean_cosine(np.zeros((1, 2)), np.ones((1, 2))) == 0


@settings(deadline=None)
@given(seed=SEEDS, clips=st.integers(2, 30), levels=st.integers(2, 20))
def test_mean_average_precision_agrees_with_scikit_learn(
    seed: int, clips: int, levels: int
) -> None:
    """Few levels make many equal scores."""
    rng = np.random.default_rng(seed)
    present = rng.random((clips, 5)) < 0.4
    scores = rng.integers(levels, size=(clips, 5)) / levels
    ranked = present.any(axis=0) & ~present.all(axis=0)
    found = mean_average_precision(present, scores)
    if ranked.any():
        expected = reference.average_precision_score(present[:, ranked], scores[:, ranked])
        assert found == pytest.approx(expected)
    else:
        assert np.isnan(found)


def test_content_words_right_counts_every_caption_against_its_clip() -> None:
    truths = ["a red ball bounces on the floor", "a mallet strikes a box"]
    captions = [["a red ball bounces on the floor", "a blue ball"], ["the box"]]
    # of 4 content words, 4 and 1 were said; of 3 ("mallet strikes box"), 1
    assert content_words_right(captions, truths) == pytest.approx((4 + 1 + 1) / (4 + 4 + 3))
    assert content_words_right([["a", "the"]], [truths[0]]) == 0
