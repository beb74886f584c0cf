"""What spotting gives by chance: spots that know nothing of the match, for every table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from unmuted.dataset.events import Event, Spot
from unmuted.systems.highlights.spotting_metric import TOLERANCES, average_map, count_spots

RANDOM_SPOTS = 20  # of each kind in a half
EVERY = 10.0  # seconds
DRAWS = 20  # whose mean is the chance of random spots


def random_spots(
    seconds: Mapping[int, float],
    kinds: Sequence[str],
    rng: np.random.Generator,
    count: int = RANDOM_SPOTS,
) -> list[Spot]:
    """Return spots of each kind at random times with random scores.

    seconds: the duration of each half.
    """
    return [
        Spot(half, int(1000 * time), kind, float(score))
        for half, duration in seconds.items()
        for kind in kinds
        for time, score in zip(rng.uniform(0, duration, count), rng.random(count), strict=True)
    ]


def regular_spots(
    seconds: Mapping[int, float], kinds: Sequence[str], every: float = EVERY
) -> list[Spot]:
    """Return equally certain spots of each kind, `every` seconds, the first after half of it."""
    return [
        Spot(half, int(1000 * time), kind, 1.0)
        for half, duration in seconds.items()
        for kind in kinds
        for time in np.arange(every / 2, duration, every)
    ]


def chance_map(
    matches: Sequence[tuple[Sequence[Event], Mapping[int, float]]],
    kinds: Sequence[str],
    metric: str,
    seed: int,
) -> dict[str, float]:
    """Return the average mAP that spots without knowledge have: the mean of random, and regular.

    matches: the events of each, and the duration of its halves in seconds. metric: as for
    `average_precision`.
    """

    def score(spots_of: Callable[[Mapping[int, float]], list[Spot]]) -> float:
        pairs = [(events, spots_of(seconds)) for events, seconds in matches]
        counts = count_spots(pairs, kinds, TOLERANCES[metric])
        return float(average_map(counts, metric)[0, 0])

    def drawn(draw: int) -> float:
        rng = np.random.default_rng([seed, draw])
        return score(lambda seconds: random_spots(seconds, kinds, rng))

    return {
        f"random_{RANDOM_SPOTS}": float(np.mean([drawn(draw) for draw in range(DRAWS)])),
        f"every_{EVERY:g}_s": score(lambda seconds: regular_spots(seconds, kinds)),
    }
