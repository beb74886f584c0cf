"""Intervals and tests of average mAPs: paired by match and seed, through counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from unmuted.dataset.events import Event, Spot
from unmuted.evaluation.bootstrap import draw_groups, interval
from unmuted.systems.highlights.resampled import (
    Statistic,
    Term,
    curve_weights,
    difference,
    measured,
    mixed,
    of_view,
    over,
    swap_p,
)
from unmuted.systems.highlights.spotting_metric import (
    TOLERANCES,
    SpottingCounts,
    average_map,
    count_spots,
)

KINDS = ("Goal", "Penalty")
MATCHES = 6


def world(seed: int, found: float) -> list[tuple[list[Event], list[Spot]]]:
    """Matches in which a share of the events is spotted, among false spots."""
    truth, luck = np.random.default_rng(1), np.random.default_rng(seed)
    matches = []
    for _ in range(MATCHES):
        times = truth.integers(5_000, 80_000, 5)
        events = [Event(1, int(t), KINDS[i % 2]) for i, t in enumerate(times)]
        spots = [Spot(1, e.milliseconds, e.kind, 0.9) for e in events if luck.random() < found]
        spots += [Spot(1, int(t), KINDS[0], 0.5) for t in luck.integers(0, 90_000, 3)]
        matches.append((events, spots))
    return matches


def statistic(found: float, seeds: int = 3) -> Statistic:
    worlds = [world(10 * seed + 2, found) for seed in range(seeds)]
    counts = tuple(of_view(count_spots(w, KINDS, TOLERANCES["tight"]), 0) for w in worlds)
    return Statistic("tight", (Term(1.0, counts),))


@pytest.fixture(scope="module")
def bootstrap():
    return draw_groups([f"m{i}" for i in range(MATCHES)], 500, 0, 3)


def test_a_resample_is_what_scoring_the_drawn_matches_again_would_give(bootstrap) -> None:
    one = statistic(0.5)
    samples = over(one, bootstrap)
    worlds = [world(10 * seed + 2, 0.5) for seed in range(3)]
    for draw in (0, 7, 499):
        by_seed = []
        for matches in worlds:
            drawn = [
                m for m, n in zip(matches, bootstrap.draws[draw], strict=True) for _ in range(n)
            ]
            by_seed.append(average_map(count_spots(drawn, KINDS, (1, 2, 3, 4, 5)), "tight")[0, 0])
        expected = float(np.dot(by_seed, bootstrap.seed_shares[draw]))
        assert samples[draw] == pytest.approx(expected, abs=1e-12)
    found = measured(one, bootstrap)
    assert found["ci95"] == list(interval(samples))
    assert len(found["per_seed"]) == 3


def test_the_p_value_is_that_of_swapping_whole_matches() -> None:
    first, second = statistic(0.9, 2), statistic(0.3, 2)

    def swapped(a: SpottingCounts, b: SpottingCounts, pattern: tuple[bool, ...]) -> float:
        chosen = np.array(pattern)
        forth, back = mixed(a, b, chosen), mixed(b, a, chosen)
        return float((average_map(forth, "tight") - average_map(back, "tight"))[0, 0])

    pairs = list(zip(first.terms[0].by_seed, second.terms[0].by_seed, strict=True))
    totals = [
        np.mean([swapped(a, b, pattern) for a, b in pairs])
        for pattern in product([False, True], repeat=MATCHES)
    ]
    observed = abs(first.per_seed.mean() - second.per_seed.mean())
    expected = np.mean(np.abs(totals) >= observed - 1e-12)
    assert swap_p(first, second, 0) == pytest.approx(expected)
    assert swap_p(first, second, 0) == pytest.approx(2 / 2**MATCHES)


def test_an_arm_is_not_better_than_itself(bootstrap) -> None:
    found = difference(statistic(0.6), statistic(0.6), bootstrap, 0, 0.05)
    assert (found["delta"], found["p"]) == (0, 1)
    better = difference(statistic(1.0), statistic(0.2), bootstrap, 0, 0.05)
    assert better["p"] < 0.05
    assert better["ci95"][0] > 0


def test_mixing_takes_whole_matches() -> None:
    a, b = statistic(1.0, 1).terms[0].by_seed[0], statistic(0.0, 1).terms[0].by_seed[0]
    chosen = np.array([True, False, False, True, False, False])
    both = mixed(a, b, chosen)
    for i, is_second in enumerate(chosen):
        expected = b if is_second else a
        np.testing.assert_array_equal(both.hits[i], expected.hits[i])
        np.testing.assert_array_equal(both.spots[i], expected.spots[i])


def test_the_area_is_the_mean_height_of_the_curve() -> None:
    np.testing.assert_allclose(
        curve_weights([0, 0.25, 0.5, 0.75, 1]), [1 / 8, 1 / 4, 1 / 4, 1 / 4, 1 / 8]
    )
    np.testing.assert_allclose(curve_weights([0, 0.5, 0.6]) @ np.array([1, 1, 1]), 1)
    np.testing.assert_allclose(curve_weights([0, 1]) @ np.array([0.2, 0.6]), 0.4)
