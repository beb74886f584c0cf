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
from unmuted.evaluation.bootstrap import draw_groups, interval
from unmuted.evaluation.outcomes import contrast, contrasts, statistics
from unmuted.evaluation.significance import (
    adjusted_p_values,
    bootstrap_p,
    holm,
    p_in_words,
    paired_p,
    sign_flip_p,
    smallest_p,
    smallest_reachable_p,
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


def test_without_a_primary_contrast_all_are_one_family() -> None:
    found = adjusted_p_values({"b-a": 0.02, "c-a": 0.04, "d-a": 0.03})
    assert found == pytest.approx({"b-a": 0.06, "c-a": 0.06, "d-a": 0.06})


# --- another training would have given another difference -----------------------------------------

LUCK = 0.1  # of a seed, standard deviation on the clips' scale: 3 points of accuracy


def alike(rng: np.random.Generator, groups: int, luck: float) -> np.ndarray:
    """Two arms (5 seeds, 4 clips a group) equal in expectation: correctness of one minus other's.

    Clips differ in how hard they are, groups in which arm they suit, seeds in their luck.
    """
    hard = rng.normal(size=4 * groups)

    def arm() -> np.ndarray:
        suits = np.repeat(rng.normal(0, 0.3, groups), 4)
        seeds = rng.normal(0, luck, (5, 1)) + rng.normal(0, 0.7, (5, 4 * groups))
        return (hard + suits + seeds > 0).astype(float)

    return arm() - arm()


def share_found(luck: float, groups: int = 100, trials: int = 200) -> tuple[float, float]:
    """Share of p below 0.05 where nothing is to be found: by `paired_p`, and by sign flips alone"""
    rng, labels = np.random.default_rng(8), np.repeat(names(groups), 4)
    both = flips = 0
    for trial in range(trials):
        difference = alike(rng, groups, luck)
        both += paired_p(difference, draw_groups(labels, 1000, trial, seeds=5)) < 0.05
        flips += sign_flip_p(difference.mean(axis=0), labels, trial, draws=1000) < 0.05
    return both / trials, flips / trials


def test_the_luck_of_seeds_is_not_taken_for_a_difference_of_the_arms() -> None:
    both, flips = share_found(LUCK)
    assert both <= 0.08
    assert flips >= 0.15  # what made this necessary


def test_without_luck_of_seeds_no_level_is_overdrawn_either() -> None:
    both, flips = share_found(luck=0.0)
    assert both <= flips <= 0.08


def test_a_true_difference_beyond_the_luck_of_seeds_is_found() -> None:
    rng, labels = np.random.default_rng(9), np.repeat(names(60), 4)
    gain = alike(rng, 60, LUCK) + (rng.random((5, 240)) < 0.2)
    assert paired_p(gain, draw_groups(labels, 1000, 0, seeds=5)) < 0.01


def test_no_p_below_5_percent_stands_beside_an_interval_that_holds_0() -> None:
    rng, labels = np.random.default_rng(10), np.repeat(names(30), 4)
    seen = set()
    for trial in range(300):
        difference = alike(rng, 30, LUCK) + rng.normal(0, 0.05)
        resamples = int(rng.integers(100, 500))
        draws = draw_groups(labels, resamples, trial, seeds=5)
        found = contrast(difference, np.zeros_like(difference), draws)
        low, high = found["ci95"]
        assert found["p"] >= 0.05 or not low <= 0 <= high
        assert found["p"] == paired_p(difference, draws)
        seen.add((found["p"] < 0.05, low <= 0 <= high))
    assert {(True, False), (False, True)} <= seen


def test_the_p_of_the_draws_counts_both_sides_and_is_never_0() -> None:
    assert bootstrap_p(np.arange(1.0, 100)) == 2 / 100
    assert bootstrap_p(-np.arange(1.0, 100)) == 2 / 100
    assert bootstrap_p(np.r_[-1.0, 0.0, np.ones(97)]) == 6 / 100
    assert bootstrap_p(np.zeros(99)) == 1
    assert bootstrap_p(np.full(99, 1e-17)) == 1  # 0 but for rounding


def test_p_is_the_larger_of_the_two() -> None:
    few = draw_groups(names(4), 2000, 0, seeds=5)
    assert paired_p(np.ones((5, 4)), few) == smallest_p(4) == smallest_reachable_p(few) == 0.125
    many = draw_groups(names(40), 199, 0, seeds=5)
    assert paired_p(np.ones((5, 40)), many) == smallest_reachable_p(many) == 2 / 200


def test_a_report_says_how_p_is_made_and_how_small_it_can_get() -> None:
    found = statistics(draw_groups(names(4), 2000, 0, seeds=5), "none")
    assert found["smallest_p"] == 0.125
    assert "sign flips" in found["tests"] and "interval's own draws" in found["tests"]
    assert "2^(1-G)" in found["tests"] and "Holm" in found["tests"]


def test_contrasts_of_one_family_are_corrected_together() -> None:
    rng, draws = np.random.default_rng(11), draw_groups(names(30), 400, 0, seeds=5)
    pairs = {name: tuple((rng.random((2, 5, 30)) < 0.5) * 1.0) for name in "abc"}
    found = contrasts(pairs, draws, "b")
    raw = {name: one["p"] for name, one in found.items()}
    expected = adjusted_p_values(raw, "b")
    assert {name: one["p_adjusted"] for name, one in found.items()} == expected
    assert [name for name, one in found.items() if one["primary"]] == ["b"]


def test_no_p_is_shown_as_zero() -> None:
    assert [p_in_words(p) for p in (0.525, 0.001, 0.0004)] == ["p 0.525", "p 0.001", "p < 0.001"]
