"""Chance: what spots that know nothing of a match give, as the specification simulated it."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.dataset.events import Event
from unmuted.systems.highlights.chance import chance_measures, random_spots, regular_spots
from unmuted.systems.highlights.spotting_metric import TOLERANCES

KINDS = ("Goal", "Penalty", "Shots on target", "Shots off target")


def matches(count: int, seconds: float, per_kind: float) -> list:
    rng = np.random.default_rng(0)
    return [
        (
            [
                Event(half, int(1000 * rng.uniform(0, seconds)), kind)
                for half in (1, 2)
                for kind in KINDS
                for _ in range(rng.poisson(per_kind))
            ],
            {1: seconds, 2: seconds},
        )
        for _ in range(count)
    ]


def test_is_small_in_real_matches_and_large_in_short_ones() -> None:
    real = matches(20, 2700, 3)
    in_real = chance_measures(real, KINDS, 0)
    assert in_real["tight"]["random_20"] < 0.01
    assert 0.005 < in_real["loose"]["random_20"] < 0.05
    in_short = chance_measures(matches(6, 90, 1), KINDS, 0)
    for name, value in in_short["loose"].items():
        assert 0.05 < value < 0.5, name
    for name, value in in_short["tight"].items():
        assert 0.002 < value < 0.1, name


def test_every_measure_of_an_arm_has_its_chance() -> None:
    """All events here are shown, so there is no measure of those that are not.

    `shown` is above the whole: spots in a half without an event of their kind are none of its.
    """
    found = chance_measures(matches(6, 90, 1), KINDS, 0)
    assert set(found) == {*TOLERANCES, "shown", "any_kind", "f1_5s"}
    assert {frozenset(by_rule) for by_rule in found.values()} == {
        frozenset({"random_20", "every_10_s"})
    }
    assert found["shown"]["every_10_s"] > found["tight"]["every_10_s"] > 0
    # When is easier than what: events of all kinds are four times as dense.
    assert found["any_kind"]["random_20"] > 1.5 * found["tight"]["random_20"]
    assert found["any_kind"]["every_10_s"] > 1.5 * found["tight"]["every_10_s"]


def test_f1_by_chance_is_that_of_all_regular_spots() -> None:
    """Five spots in 50 s, of which those at 5 s and 45 s lie within 2.5 s of an event."""
    events = [Event(1, 5_000, "Goal"), Event(1, 10_000, "Goal"), Event(1, 46_000, "Goal")]
    found = chance_measures([(events, {1: 50.0})], ["Goal"], 0)
    assert found["f1_5s"]["every_10_s"] == pytest.approx(2 * 2 / (5 + 3))
    assert 0 < found["f1_5s"]["random_20"] < 1


def test_is_the_same_for_the_same_seed() -> None:
    short = matches(2, 90, 1)
    assert chance_measures(short, KINDS, 3) == chance_measures(short, KINDS, 3)
    assert chance_measures(short, KINDS, 3) != chance_measures(short, KINDS, 4)


def test_spots_are_inside_the_halves_and_of_every_kind() -> None:
    seconds = {1: 90.0, 2: 12.5}
    spots = random_spots(seconds, KINDS, np.random.default_rng(0))
    assert len(spots) == 2 * 20 * len(KINDS)
    assert all(0 <= spot.milliseconds < 1000 * seconds[spot.half] for spot in spots)
    regular = regular_spots({2: 25.0}, KINDS[:1])
    assert [spot.milliseconds for spot in regular] == [5_000, 15_000]
