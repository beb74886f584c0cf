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
    np.testing.assert_array_equal(draw.draws.sum(axis=1), 3)


def test_sums_agree_with_drawing_the_clips_one_by_one() -> None:
    groups = ["a", "b", "b", "c"]
    values = np.random.default_rng(0).normal(size=(4, 2, 3))
    draw = draw_groups(groups, 2500, 0)
    for resample in (0, 1234, 2499):
        times = draw.draws[resample][[0, 1, 1, 2]]
        expected = np.repeat(values, times, axis=0).sum(axis=0)
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
