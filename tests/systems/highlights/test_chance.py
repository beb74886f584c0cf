"""Chance: what spots that know nothing of a match give, as the specification simulated it."""

from __future__ import annotations

import numpy as np

from unmuted.dataset.events import Event
from unmuted.systems.highlights.chance import chance_map, random_spots, regular_spots

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
    assert chance_map(real, KINDS, "tight", 0)["random_20"] < 0.01
    assert 0.005 < chance_map(real, KINDS, "loose", 0)["random_20"] < 0.05
    short = matches(6, 90, 1)
    for name, value in chance_map(short, KINDS, "loose", 0).items():
        assert 0.05 < value < 0.5, name
    for name, value in chance_map(short, KINDS, "tight", 0).items():
        assert 0.002 < value < 0.1, name


def test_is_the_same_for_the_same_seed() -> None:
    short = matches(2, 90, 1)
    assert chance_map(short, KINDS, "tight", 3) == chance_map(short, KINDS, "tight", 3)
    assert chance_map(short, KINDS, "tight", 3) != chance_map(short, KINDS, "tight", 4)


def test_spots_are_inside_the_halves_and_of_every_kind() -> None:
    seconds = {1: 90.0, 2: 12.5}
    spots = random_spots(seconds, KINDS, np.random.default_rng(0))
    assert len(spots) == 2 * 20 * len(KINDS)
    assert all(0 <= spot.milliseconds < 1000 * seconds[spot.half] for spot in spots)
    regular = regular_spots({2: 25.0}, KINDS[:1])
    assert [spot.milliseconds for spot in regular] == [5_000, 15_000]
