"""The clustered bootstrap: agreement with scipy, coverage, pairing, detectable effects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from unmuted.errors import UserError
from unmuted.evaluation.bootstrap import draw_groups, interval, smallest_detectable


def test_agrees_with_scipy_where_every_clip_is_its_own_group() -> None:
    values = np.random.default_rng(0).normal(size=80)
    ours = interval(draw_groups([f"g{i:02d}" for i in range(80)], 10_000, 0).means(values[None]))
    theirs = scipy_bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_a_resample_is_of_whole_groups() -> None:
    groups = ["a", "b", "b", "c", "c", "c"]
    draw = draw_groups(groups, 200, 0)
    sums = draw.sums(np.eye(6))  # how often each clip is in each resample
    assert (sums[:, 1] == sums[:, 2]).all()
    assert (sums[:, 3] == sums[:, 4]).all()
    np.testing.assert_array_equal(draw.draws.sum(axis=1), 2)  # one less than there are
    np.testing.assert_allclose((draw.draws * draw.scale).sum(axis=1), 3)


def test_sums_agree_with_drawing_the_clips_one_by_one() -> None:
    groups = ["a", "b", "b", "c"]
    values = np.random.default_rng(0).normal(size=(4, 2, 3))
    draw = draw_groups(groups, 2500, 0)
    for resample in (0, 1234, 2499):
        times = draw.draws[resample][[0, 1, 1, 2]]
        expected = np.repeat(values, times, axis=0).sum(axis=0) * 3 / 2
        np.testing.assert_allclose(draw.sums(values)[resample], expected)


def simulate(rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Correctness of clips in 50 groups of 1 to 6, alike within a group; the true mean is 0.6."""
    sizes = rng.integers(1, 7, size=50)
    chance = rng.choice([0.3, 0.9], size=50)
    groups = [f"g{g}" for g, size in enumerate(sizes) for _ in range(size)]
    return groups, (rng.random(len(groups)) < np.repeat(chance, sizes)).astype(float)


def coverage(by_group: bool) -> float:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(TRIALS):
        groups, values = simulate(rng)
        units = groups if by_group else [str(i) for i in range(len(groups))]
        low, high = interval(draw_groups(units, 500, trial).means(values[None]))
        hits += low <= 0.6 <= high
    return hits / TRIALS


def test_the_interval_covers_the_truth_95_times_in_100() -> None:
    assert 0.92 <= coverage(by_group=True) <= 0.98


def by_class(rng: np.random.Generator) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Correctness of 64 clips of 8 classes, 4 groups of 2 clips each; the true mean is 0.5.

    Easy and hard classes, and easy and hard groups within each.
    """
    labels = np.repeat(np.arange(8), 8)
    of_class = np.repeat([0.15, 0.85], 4)[labels]
    of_group = np.repeat(rng.choice([-0.15, 0.15], size=32), 2)
    groups = [f"g{i // 2}" for i in range(64)]
    return groups, labels, (rng.random(64) < of_class + of_group).astype(float)


def coverage_by_class(naive: bool = False, stratified: bool = True) -> tuple[float, float]:
    """Share of the intervals that hold the truth, and their mean width."""
    rng = np.random.default_rng(0)
    hits, widths = 0, []
    for trial in range(400):
        groups, labels, values = by_class(rng)
        draw = draw_groups(groups, 500, trial, labels=labels if stratified else None)
        samples = draw.means(values[None])
        if naive:  # n of n groups of each class, as a plain bootstrap draws them
            samples = values.mean() + (samples - values.mean()) * np.sqrt(3 / 4)
        low, high = interval(samples)
        hits += low <= 0.5 <= high
        widths.append(high - low)
    return hits / 400, float(np.mean(widths))


def test_the_interval_covers_the_truth_where_classes_have_few_groups() -> None:
    assert 0.92 <= coverage_by_class()[0] <= 0.98


def test_as_many_draws_as_groups_would_claim_too_much() -> None:
    assert coverage_by_class(naive=True)[0] < 0.92


def test_draws_across_classes_would_claim_too_little() -> None:
    """Which classes a test set has is no luck: its split is stratified."""
    (exact, narrow), (_, wide) = coverage_by_class(), coverage_by_class(stratified=False)
    assert coverage_by_class(stratified=False)[0] > 0.99 >= exact
    assert wide > 1.25 * narrow


def test_every_resample_has_the_groups_of_each_class() -> None:
    groups = [f"g{i // 3}" for i in range(90)]
    labels = np.repeat(np.arange(5), 18)
    draw = draw_groups(groups, 300, 0, labels=labels)
    totals = draw.sums(np.eye(5)[labels])
    np.testing.assert_allclose(totals, np.broadcast_to(18, totals.shape))
    weights = draw.draws * draw.scale
    for name in range(5):
        np.testing.assert_allclose(weights[:, draw.stratum_of_group == name].sum(axis=1), 6)
    assert (draw_groups(groups, 300, 0).sums(np.eye(5)[labels]) != 18).any()
    assert draw.lone_classes == 0


def test_the_variance_is_that_of_a_stratified_sample() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=12) + np.repeat([0, 50, 90], 4)
    draw = draw_groups(list("abcdefghijkl"), 20_000, 0, labels=np.repeat([0, 1, 2], 4))
    expected = sum(values[i : i + 4].var(ddof=1) / 4 / 9 for i in (0, 4, 8))
    assert draw.means(values[None]).var() == pytest.approx(expected, rel=0.05)


def test_a_group_of_several_classes_counts_with_the_most_frequent_one() -> None:
    groups = ["a", "a", "a", "b", "c", "c", "d"]
    labels = np.array([1, 1, 0, 1, 0, 1, 0])  # c: as often 0 as 1
    np.testing.assert_array_equal(
        draw_groups(groups, 10, 0, labels=labels).stratum_of_group, [1, 1, 0, 0]
    )


def test_a_lone_class_of_one_group_is_in_every_resample() -> None:
    draw = draw_groups(["a", "b", "c"], 100, 0, labels=np.array([0, 0, 1]))
    assert draw.lone_classes == 1
    assert (draw.draws[:, 2] == 1).all() and draw.scale[2] == 1
    np.testing.assert_array_equal(draw.draws[:, :2].sum(axis=1), 1)


def test_classes_of_one_group_each_are_drawn_from_together() -> None:
    """Kept as they are, they would have intervals without any width."""
    rng = np.random.default_rng(2)
    hits = 0
    for trial in range(TRIALS):
        values = (rng.random(30) < 0.6).astype(float)
        draw = draw_groups([f"g{i:02d}" for i in range(30)], 500, trial, labels=np.arange(30))
        low, high = interval(draw.means(values[None]))
        hits += low <= 0.6 <= high
    assert draw.lone_classes == 30
    assert hits / TRIALS >= 0.92


def test_a_mean_over_some_clips_is_theirs_alone() -> None:
    rng = np.random.default_rng(3)
    values, where = rng.normal(size=(2, 40)), rng.random(40) < 0.7
    groups = [f"g{i // 2}" for i in range(40)]
    draw = draw_groups(groups, 200, 0, seeds=2)
    spoilt = np.where(where, values, 99.0)
    np.testing.assert_allclose(draw.means(values, where), draw.means(spoilt, where))
    for resample in (0, 100, 199):
        times = draw.draws[resample][draw.group_of_clip] * where
        expected = (values * times).sum(axis=1) / times.sum() @ draw.seed_shares[resample]
        assert draw.means(values, where)[resample] == pytest.approx(expected)


def test_a_resample_without_such_clips_has_no_mean() -> None:
    where = np.array([True, False, False, False])
    samples = draw_groups(list("abcd"), 300, 0).means(np.ones((1, 4)), where)
    assert np.isnan(samples).any() and (samples[np.isfinite(samples)] == 1).all()


def test_clips_drawn_one_by_one_would_claim_too_much() -> None:
    assert coverage(by_group=False) < 0.9


def test_the_paired_difference_is_narrower_than_the_arms() -> None:
    rng = np.random.default_rng(0)
    easy = rng.random(100)
    first = (rng.random(100) < easy).astype(float)
    second = np.where(rng.random(100) < 0.05, 1 - first, first)
    draw = draw_groups([str(i) for i in range(100)], 2000, 0)
    paired = draw.means((first - second)[None])
    np.testing.assert_allclose(
        paired, draw.means(first[None]) - draw.means(second[None]), atol=1e-12
    )
    apart = draw.means(first[None]) - draw_groups([str(i) for i in range(100)], 2000, 1).means(
        second[None]
    )
    assert paired.std() < apart.std() / 2


def test_the_detectable_effect_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(0)
    groups = [str(i) for i in range(100)]
    noise = rng.normal(size=(600, 100))
    effect = smallest_detectable(draw_groups(groups, 4000, 0).means(noise[:1]))
    assert effect == pytest.approx(2.80 * noise[0].std() / 10, rel=0.05)
    found = 0
    for trial, values in enumerate(noise[:400]):
        low, _ = interval(draw_groups(groups, 300, trial).means(values[None] + 0.28))
        found += low > 0
    assert 0.74 <= found / 400 <= 0.88


def test_a_stricter_test_detects_less() -> None:
    samples = np.random.default_rng(0).normal(size=50_000)
    assert smallest_detectable(samples) == pytest.approx(2.802, rel=0.02)
    assert smallest_detectable(samples, 0.05 / 14) == pytest.approx(2.914 + 0.842, rel=0.02)


def test_same_seed_same_draws_and_the_order_of_clips_does_not_matter() -> None:
    groups, values = simulate(np.random.default_rng(3))
    order = np.random.default_rng(4).permutation(len(groups))
    first = draw_groups(groups, 100, 0)
    moved = draw_groups([groups[i] for i in order], 100, 0)
    np.testing.assert_array_equal(first.draws, moved.draws)
    np.testing.assert_allclose(first.means(values[None]), moved.means(values[None, order]))
    assert (first.draws != draw_groups(groups, 100, 1).draws).any()


def test_one_group_is_refused() -> None:
    with pytest.raises(UserError, match="at least 2 source groups, found 1"):
        draw_groups(["a", "a"], 100, 0)


TRIALS = 150


def two_way_coverage(seeds_drawn: bool) -> float:
    """Mean of a clip's chance and a seed's luck; the true mean is 0.6."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(TRIALS):
        groups = [str(i) for i in range(400)]
        luck = rng.normal(0, 0.03, size=(5, 1))
        values = (rng.random((5, 400)) < 0.6 + luck).astype(float)
        draw = draw_groups(groups, 300, trial, seeds=5 if seeds_drawn else 1)
        low, high = interval(draw.means(values if seeds_drawn else values.mean(axis=0)[None]))
        hits += low <= 0.6 <= high
    return hits / TRIALS


def test_the_interval_holds_what_another_training_would_change() -> None:
    assert two_way_coverage(seeds_drawn=False) < 0.85
    assert two_way_coverage(seeds_drawn=True) > 0.88  # five seeds tell little of their spread


def test_seeds_are_drawn_with_the_right_variance() -> None:
    luck = np.random.default_rng(0).normal(size=(5, 1)) * np.ones((1, 40))
    samples = draw_groups([str(i) for i in range(40)], 20_000, 0, seeds=5).means(luck)
    assert samples.var() == pytest.approx(luck[:, 0].var(ddof=1) / 5, rel=0.05)
