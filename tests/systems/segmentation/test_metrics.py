"""Metrics of masks: the published ones equal the reference, the others depend on no batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score, jaccard_score

from unmuted.systems.segmentation.metrics import (
    BETA_SQUARED,
    choose_threshold,
    f_measure,
    iou,
    macro_mean,
    mask_metrics,
    means_by_class,
    strict_iou,
)
from unmuted.systems.segmentation.pixel_counts import (
    HALF,
    THRESHOLDS,
    PixelCounts,
    concatenate_counts,
    count_pixels,
)
from unmuted.systems.segmentation.published_metrics import published_metrics

REFERENCE = json.loads((Path(__file__).parent / "data" / "reference_values.json").read_text())
CASES = REFERENCE["metrics"]["cases"]


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits.astype(np.float32)).sigmoid().numpy()


def frames(seed: int, n: int = 6, side: int = 8, empty: tuple[int, ...] = (1, 4)) -> PixelCounts:
    """Counts of frames of different difficulty, some of them without truth."""
    rng = np.random.default_rng(seed)
    truth = rng.random((n, side, side)) < 0.3
    truth[list(empty)] = False
    logits = rng.standard_normal(truth.shape) + rng.standard_normal((n, 1, 1)) + 2 * truth
    return count_pixels(sigmoid(logits), truth)


def of_case(case: dict[str, Any]) -> PixelCounts:
    rng = np.random.default_rng(case["seed"])
    shape = (case["n"], case["side"], case["side"])
    logits = (rng.standard_normal(shape) * case["scale"]).astype(np.float32)
    truth = rng.random(shape) < case["share"]
    logits[truth] += np.float32(case["bias"])
    truth[case["empty"]] = False
    return count_pixels(sigmoid(logits), truth)


# --- published metrics ----------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"seed {case['seed']}")
def test_published_metrics_equal_those_of_the_reference(case: dict[str, Any]) -> None:
    counts, n = of_case(case), case["n"]
    of_all, of_pairs = published_metrics(counts, n), published_metrics(counts, 2)
    assert of_all[f"miou_published_batch_{n}"] == pytest.approx(case["miou"], abs=1e-6)
    assert of_all[f"f_published_batch_{n}"] == pytest.approx(case["f"], abs=1e-6)
    assert of_pairs["f_published_batch_2"] == pytest.approx(case["f_batches_of_2"], abs=1e-6)


def test_the_published_miou_rewards_marks_in_silence_and_a_short_last_batch_counts_in_full() -> (
    None
):
    p = np.zeros((3, 10, 10), np.float32)
    p[:, 0] = 1.0  # a tenth of each frame
    counts = count_pixels(p, np.zeros(p.shape, bool))
    assert published_metrics(counts, 3)["miou_published_batch_3"] == pytest.approx(0.9)
    truth = np.zeros(p.shape, bool)
    truth[2, 0] = True
    counts = count_pixels(p, truth)  # 0.9, 0.9; 1.0
    assert published_metrics(counts, 2)["miou_published_batch_2"] == pytest.approx(0.95)


def test_a_logit_of_zero_is_background_in_the_published_miou_alone() -> None:
    counts = count_pixels(np.full((1, 2, 2), 0.5, np.float32), np.ones((1, 2, 2), bool))
    assert published_metrics(counts, 1)["miou_published_batch_1"] == 0.0
    assert iou(counts)[0, HALF] == 1.0


def test_the_published_f_rises_as_batches_shrink() -> None:
    counts = frames(0, n=24, empty=())
    values = [published_metrics(counts, size)[f"f_published_batch_{size}"] for size in (1, 4, 24)]
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize(("n", "batch"), [(0, 1), (3, 0)])
def test_no_frame_and_no_batch_are_refused(n: int, batch: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        published_metrics(frames(0)[:n], batch)


# --- counts ---------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from([0.01, 1.0, 40.0]), st.integers(1, 40))
def test_counts_are_those_of_a_loop_over_thresholds(seed: int, scale: float, pixels: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((2, 1, pixels)) < 0.4
    p = sigmoid(rng.standard_normal(truth.shape) * scale)
    p.flat[rng.integers(p.size)] = rng.choice(THRESHOLDS)  # a tie
    counts = count_pixels(p, truth)
    for k in rng.choice(255, 20):
        marked = p >= THRESHOLDS[k]
        np.testing.assert_array_equal(counts.hits[:, k], (marked & truth).sum(axis=(1, 2)))
        np.testing.assert_array_equal(counts.false_alarms[:, k], (marked & ~truth).sum(axis=(1, 2)))
        with np.errstate(invalid="ignore"):
            precision = counts.hits[:, k] / marked.sum(axis=(1, 2))
            recall = counts.hits[:, k] / truth.sum(axis=(1, 2))
            f = np.nan_to_num(1.3 * precision * recall / (0.3 * precision + recall))
        given = counts.has_truth
        np.testing.assert_allclose(f_measure(counts)[given, k], f[given], atol=1e-12)


def test_the_thresholds_are_those_of_the_reference() -> None:
    assert THRESHOLDS[0] == 0.0 and THRESHOLDS[HALF] == 0.5 and THRESHOLDS[-1] == 1.0
    of_torch = torch.linspace(0, 1 - 1e-10, 255).numpy()
    np.testing.assert_allclose(THRESHOLDS, of_torch, rtol=0, atol=1e-7)


def test_padding_is_not_counted() -> None:
    rng = np.random.default_rng(0)
    p, truth = rng.random((3, 4, 6), np.float32), rng.random((3, 4, 6)) < 0.5
    padding = np.zeros(truth.shape, bool)
    padding[:, 3:] = padding[:, :, 4:] = True
    inside = count_pixels(np.ascontiguousarray(p[:, :3, :4]), truth[:, :3, :4])
    assert_same(count_pixels(p, truth, padding), inside)
    assert inside.pixels.tolist() == [12, 12, 12]
    with pytest.raises(ValueError, match="none but padding"):
        count_pixels(p, truth, np.ones(truth.shape, bool))


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.5])
def test_what_is_no_probability_is_refused(value: float) -> None:
    p = np.full((1, 2, 2), 0.5, np.float32)
    p[0, 1, 0] = value
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        count_pixels(p, np.zeros((1, 2, 2), bool))


def test_masks_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="of one shape"):
        count_pixels(np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 3), bool))


def assert_same(a: PixelCounts, b: PixelCounts) -> None:
    for name in vars(a):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


# --- metrics that depend on no batch --------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(0, 254))
def test_order_and_batches_change_no_bit_of_a_metric(seed: int, threshold: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    truth = rng.random((n, 5, 7)) < rng.random((n, 1, 1)) * (rng.random((n, 1, 1)) < 0.7)
    p = sigmoid(rng.standard_normal(truth.shape) * 2 + truth)
    expected = count_pixels(p, truth)
    order = rng.permutation(n)
    size = int(rng.integers(1, n + 1))
    batches = [order[start : start + size] for start in range(0, n, size)]
    other = concatenate_counts(count_pixels(p[batch], truth[batch]) for batch in batches)
    assert mask_metrics(other, threshold) == mask_metrics(expected, threshold)
    assert choose_threshold(other) == choose_threshold(expected)
    classes = rng.choice(["cat", "dog"], n)
    values = strict_iou(expected)[:, threshold]
    assert means_by_class(values[order], classes[order]) == means_by_class(values, classes)


@given(st.integers(0, 10_000), st.integers(0, 254))
def test_scores_of_a_frame_are_those_of_scikit_learn(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((1, 6, 6)) < 0.4
    truth[0, 0, 0] = True
    p = rng.random(truth.shape, np.float32)
    counts, marked = count_pixels(p, truth), p >= THRESHOLDS[k]
    y, x = truth.ravel(), marked.ravel()
    assert iou(counts)[0, k] == pytest.approx(jaccard_score(y, x))
    f = fbeta_score(y, x, beta=BETA_SQUARED**0.5, zero_division=0)
    assert f_measure(counts)[0, k] == pytest.approx(f)


def test_frames_without_truth_have_metrics_of_their_own() -> None:
    p = np.zeros((4, 10, 10), np.float32)
    truth = np.zeros(p.shape, bool)
    truth[0, :2] = True
    p[0, 1:3] = 0.9  # half of the truth, and as much outside it: IoU 1/3
    p[2, 0] = 0.6  # a tenth of a silent frame
    assert mask_metrics(count_pixels(p, truth), HALF) == {
        "frames_with_truth": 1,
        "frames_without_truth": 3,
        "iou": pytest.approx(1 / 3),
        "f": pytest.approx(0.5),
        "empty_share": pytest.approx(2 / 3),
        "marked_area": pytest.approx(0.1 / 3),
        "strict_iou": pytest.approx((1 / 3 + 2) / 4),
    }


def test_a_model_that_marks_the_same_whatever_sounds_leaves_no_silent_frame_empty() -> None:
    p = np.zeros((2, 4, 4), np.float32)
    p[:, :2] = 1.0
    truth = np.zeros(p.shape, bool)
    truth[0, :2] = True
    measured = mask_metrics(count_pixels(p, truth), HALF)
    assert (measured["iou"], measured["empty_share"]) == (1.0, 0.0)
    assert measured["strict_iou"] == 0.5


def test_a_metric_that_no_frame_has_is_null() -> None:
    counts = frames(0)
    silent = mask_metrics(counts[~counts.has_truth], HALF)
    assert silent["iou"] is None and silent["f"] is None
    assert silent["empty_share"] is not None
    with_truth = mask_metrics(counts[counts.has_truth], HALF)
    assert with_truth["empty_share"] is None and with_truth["marked_area"] is None
    assert with_truth["strict_iou"] == with_truth["iou"]


def test_the_threshold_is_the_best_of_validation_and_nearest_to_a_half_among_equals() -> None:
    p = np.where(np.arange(8) < 4, 0.9, 0.1).astype(np.float32).reshape(1, 1, 8)
    truth = p > 0.5
    assert choose_threshold(count_pixels(p, truth)) == HALF
    low = count_pixels(p / 3, truth)  # 0.3 and 0.033: best just below 0.3
    assert choose_threshold(low) == np.flatnonzero(p.max() / 3 >= THRESHOLDS)[-1]
    assert choose_threshold(low, f_measure) == choose_threshold(low)


def test_silence_raises_the_chosen_threshold() -> None:
    """A threshold chosen on frames with truth alone would mark silent frames."""
    p = np.array([[[0.4, 0.4, 0.8, 0.1]], [[0.6, 0.1, 0.1, 0.1]]], np.float32)
    truth = np.array([[[True, True, True, False]], [[False] * 4]])
    counts = count_pixels(p, truth)
    assert THRESHOLDS[choose_threshold(counts, iou)] <= 0.4
    assert THRESHOLDS[choose_threshold(counts)] > 0.6


def test_with_slack_a_threshold_may_lose_some_iou_to_leave_more_frames_empty() -> None:
    """At 0.4 three of three pixels are hit, at 0.7 two; the frame without truth has 0.6."""
    p = np.array([[[0.4, 0.7, 0.7, 0.1]], [[0.6, 0.1, 0.1, 0.1]]], np.float32)
    truth = np.array([[[True, True, True, False]], [[False] * 4]])
    counts = count_pixels(p, truth)
    chosen = {slack: choose_threshold(counts, iou, slack) for slack in (0.0, 0.3, 0.4)}
    assert THRESHOLDS[chosen[0.0]] <= 0.4
    assert chosen[0.3] == chosen[0.0]  # the next IoU is lower by a third
    assert 0.6 < THRESHOLDS[chosen[0.4]] <= 0.7
    # The nearest to 0.5 of those that leave as many empty.
    assert THRESHOLDS[chosen[0.4] - 1] <= 0.6
    # Where no frame is without truth, slack loses nothing.
    sounding = counts[counts.has_truth]
    assert choose_threshold(sounding, iou, 0.4) == choose_threshold(sounding, iou)


def test_a_choice_without_frames_is_refused() -> None:
    counts = frames(0)
    with pytest.raises(ValueError, match="validation frames"):
        choose_threshold(counts[~counts.has_truth], f_measure)


def test_a_macro_mean_weighs_classes_equally() -> None:
    values = np.array([1.0, 1.0, 1.0, 0.0, np.nan])
    classes = ["cat", "cat", "cat", "dog", "cow"]
    assert means_by_class(values, classes) == {"cat": 1.0, "cow": None, "dog": 0.0}
    assert macro_mean(values, classes) == 0.5
