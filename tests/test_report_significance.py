"""p-values and intervals of paired differences: against scipy, and where the truth is known."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import false_discovery_control, kstest, permutation_test

from unmuted.errors import UserError
from unmuted.report.bootstrap import draw_groups, interval
from unmuted.report.significance import (
    adjusted_p_values,
    holm,
    sign_flip_p,
    smallest_p,
)

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=9)


def names(count: int) -> list[str]:
    return [f"g{i:03d}" for i in range(count)]


def scipy_p(first: np.ndarray, second: np.ndarray, patterns: float) -> float:
    return permutation_test(
        (first, second),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=patterns,
        rng=np.random.default_rng(1),
    ).pvalue


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.8])
def test_agrees_with_scipy_exactly_where_groups_are_few(shift: float) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 10))
    p = sign_flip_p(first + shift - second, names(10), seed=0)
    assert p == pytest.approx(scipy_p(first + shift, second, np.inf), abs=1e-12)


def test_agrees_with_scipy_where_groups_are_many() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 60))
    p = sign_flip_p(first + 0.3 - second, names(60), seed=0)
    assert p == pytest.approx(scipy_p(first + 0.3, second, 20_000), abs=0.012)
    assert 0.02 < p < 0.98


@given(st.lists(st.sampled_from([-1.0, -0.6, 0.0, 0.2, 0.4, 1.0]), min_size=1, max_size=9))
def test_agrees_with_the_definition_also_with_ties(differences: list[float]) -> None:
    """Fifths, as the mean over 5 seeds, are no exact floats; totals that tie must count as ties."""
    fifths = [round(5 * value) for value in differences]
    patterns = list(product([-1, 1], repeat=len(fifths)))
    found = abs(sum(fifths))
    hits = sum(abs(sum(s * f for s, f in zip(p, fifths, strict=True))) >= found for p in patterns)
    p = sign_flip_p(np.array(differences), names(len(differences)), seed=0)
    assert p == pytest.approx(hits / len(patterns))


def test_drawn_patterns_agree_with_all_patterns() -> None:
    """Seventeen groups are drawn from; the truth is counted here."""
    sums = np.random.default_rng(2).normal(0.3, 1, size=17)
    patterns = np.array(list(product([-1, 1], repeat=16))) @ sums[1:]
    exact = (np.abs(patterns + sums[0]) >= abs(sums.sum())).mean()  # the first sign is free
    drawn = sign_flip_p(sums, names(17), seed=0, draws=50_000)
    assert drawn == pytest.approx(exact, abs=0.01)
    assert drawn != sign_flip_p(sums, names(17), seed=1, draws=50_000)
    assert drawn == sign_flip_p(sums, names(17), seed=0, draws=50_000)


def test_a_drawn_p_value_is_never_0() -> None:
    assert sign_flip_p(np.ones(100), names(100), seed=0, draws=999) == 1 / 1000


def test_clips_of_one_group_count_as_one() -> None:
    """However many clips agree, three sources cannot show more than three coin flips."""
    p = sign_flip_p(np.ones(300), names(3) * 100, seed=0)
    assert p == smallest_p(3) == 0.25
    assert sign_flip_p(np.ones(5), names(5), seed=0) == smallest_p(5) == 0.0625
    assert smallest_p(0) == 1


def test_groups_without_a_difference_change_nothing() -> None:
    few = sign_flip_p(np.array([0.2, 0.4, -0.2, 0.6]), names(4), seed=0)
    many = sign_flip_p(np.array([0.2, 0.4, -0.2, 0.6] + [0.0] * 200), names(204), seed=0)
    assert many == few
    assert sign_flip_p(np.zeros(5), names(5), seed=0) == 1


def test_the_sign_and_the_order_of_clips_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    values, groups = rng.normal(size=90), [f"g{i}" for i in rng.integers(30, size=90)]
    p = sign_flip_p(values, groups, seed=0)
    order = rng.permutation(90)
    assert sign_flip_p(-values, groups, seed=0) == p
    assert sign_flip_p(values[order], [groups[i] for i in order], seed=0) == p


def two_arms(rng: np.random.Generator, groups: int, gain: float) -> tuple[list[str], np.ndarray]:
    """Correctness of one arm minus another's, mean `gain`: each group favours one arm at random."""
    sizes = rng.integers(4, 13, size=groups)
    favour = rng.choice([-0.35, 0.35], size=groups)
    clip_favour = np.repeat(favour, sizes)
    first = rng.random(len(clip_favour)) < 0.5 + gain + clip_favour / 2
    second = rng.random(len(clip_favour)) < 0.5 - clip_favour / 2
    of_clip = np.repeat(np.arange(groups), sizes)
    return [f"g{g}" for g in of_clip], first.astype(float) - second


@pytest.mark.parametrize("groups", [7, 40])
def test_p_values_are_uniform_where_the_arms_are_alike(groups: int) -> None:
    rng = np.random.default_rng(4)
    labels = [f"g{g}" for g in range(groups) for _ in range(g % 5 + 1)]
    effects = rng.normal(size=(1000, groups))[:, [int(label[1:]) for label in labels]]
    values = effects + rng.normal(size=effects.shape)
    found = [sign_flip_p(one, labels, i, draws=400) for i, one in enumerate(values)]
    assert kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize("groups", [8, 40])
def test_no_level_is_overdrawn_by_group_but_clip_by_clip_it_is(groups: int) -> None:
    """Correct or not makes ties, which make p-values larger, never smaller, than uniform ones."""
    rng = np.random.default_rng(4)
    by_group, by_clip = [], []
    for trial in range(400):
        labels, difference = two_arms(rng, groups, gain=0.0)
        by_group.append(sign_flip_p(difference, labels, trial, draws=400))
        by_clip.append(sign_flip_p(difference, names(len(labels)), trial, draws=400))
    assert kstest(by_group, "uniform", alternative="greater").pvalue > 0.01
    assert kstest(by_clip, "uniform", alternative="greater").pvalue < 1e-6


def test_a_true_difference_is_found() -> None:
    labels, difference = two_arms(np.random.default_rng(5), 60, gain=0.2)
    assert sign_flip_p(difference, labels, seed=0) < 0.01


def test_the_interval_of_a_difference_covers_the_truth_and_clip_by_clip_it_does_not() -> None:
    rng = np.random.default_rng(6)
    by_group = by_clip = 0
    for trial in range(200):
        labels, difference = two_arms(rng, 50, gain=0.1)
        low, high = interval(draw_groups(labels, 250, trial).means(difference[None]))
        by_group += low <= 0.1 <= high
        low, high = interval(draw_groups(names(len(labels)), 250, trial).means(difference[None]))
        by_clip += low <= 0.1 <= high
    assert 0.905 <= by_group / 200 <= 0.98
    assert by_clip / 200 <= 0.88


def test_the_interval_of_a_difference_agrees_with_scipy_where_clips_are_independent() -> None:
    first, second = np.random.default_rng(7).random((2, 150)) < [[0.6], [0.5]]
    difference = first.astype(float) - second
    ours = interval(draw_groups(names(150), 10_000, 0).means(difference[None]))
    theirs = scipy_bootstrap(
        (first.astype(float), second.astype(float)),
        lambda a, b, axis: (a - b).mean(axis=axis),
        paired=True,
        n_resamples=10_000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def rejected(p_values: list[float], level: float) -> list[bool]:
    """Holm's procedure as he describes it: step down from the smallest until one fails."""
    left = dict(enumerate(p_values))
    while left:
        smallest = min(left, key=left.__getitem__)
        if left[smallest] * len(left) > level:
            break
        del left[smallest]
    return [i not in left for i in range(len(p_values))]


@given(PROBABILITIES, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, level) -> None:
    adjusted = holm(p_values)
    clear = all(abs(p - level) > 1e-9 for p in adjusted)  # apart from rounding
    assert not clear or [p <= level for p in adjusted] == rejected(p_values, level)


@given(PROBABILITIES)
def test_holm_lies_between_the_false_discovery_rate_and_bonferroni(p_values) -> None:
    adjusted = np.array(holm(p_values))
    tiny = 1e-12
    assert (adjusted <= np.minimum(1, len(p_values) * np.array(p_values)) + tiny).all()
    assert (adjusted >= false_discovery_control(p_values) - tiny).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_holm_of_a_worked_case() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_the_primary_contrast_stands_alone() -> None:
    p_values = {"b-a": 0.02, "c-a": 0.04, "d-a": 0.03}
    adjusted = adjusted_p_values(p_values, "c-a")
    assert adjusted == pytest.approx({"b-a": 0.04, "c-a": 0.04, "d-a": 0.04})
    assert list(adjusted) == list(p_values)
    with pytest.raises(UserError, match=r"'x-a' is none of the contrasts b-a, c-a, d-a"):
        adjusted_p_values(p_values, "x-a")
