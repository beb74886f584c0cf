"""What spotting gives by chance: spots that know nothing of the match, for every table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from unmuted.dataset.events import ANY_KIND, Event, Spot, events_of_any_kind
from unmuted.systems.highlights.spotting_metric import (
    F1_SECONDS,
    PRIMARY_METRIC,
    TOLERANCES,
    VIEWS,
    SpottingCounts,
    average_map,
    count_spots,
    f_by_threshold,
)

# The duration of each half in seconds, and kinds -> spots
SpotsOf = Callable[[Mapping[int, float], Sequence[str]], list[Spot]]
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


def chance_measures(
    matches: Sequence[tuple[Sequence[Event], Mapping[int, float]]],
    kinds: Sequence[str],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return what spots without knowledge have in every measure of an arm, by measure and rule.

    The rules are random spots, with the mean over their draws, and regular ones. `any_kind` is of
    the same rules for events without their kinds. `f1_5s` is the best F1 that any threshold gives
    them on these very matches, so an arm that is no better has nothing. A measure is left out where
    no event has a part in it.

    matches: the events of each, and the duration of its halves in seconds.
    """

    def measures(spots_of: SpotsOf) -> dict[str, float]:
        pairs = [(events, spots_of(seconds, kinds)) for events, seconds in matches]
        anything = [
            (events_of_any_kind(events), spots_of(seconds, [ANY_KIND]))
            for events, seconds in matches
        ]
        return _measures(count_spots(pairs, kinds), count_spots(anything, [ANY_KIND]))

    def random(draw: int) -> dict[str, float]:
        rng = np.random.default_rng([seed, draw])
        return measures(lambda seconds, of_kinds: random_spots(seconds, of_kinds, rng))

    drawn = [random(draw) for draw in range(DRAWS)]
    regular = measures(regular_spots)
    return {
        measure: {
            f"random_{RANDOM_SPOTS}": float(np.mean([one[measure] for one in drawn])),
            f"every_{EVERY:g}_s": value,
        }
        for measure, value in regular.items()
    }


def _measures(counts: SpottingCounts, anything: SpottingCounts) -> dict[str, float]:
    by_metric = {metric: average_map(counts, metric)[0] for metric in TOLERANCES}  # (V,) each
    views = {view: VIEWS.index(view) for view in ("shown", "unshown")}
    return {
        **{metric: float(by_view[0]) for metric, by_view in by_metric.items()},
        **{
            view: float(by_metric[PRIMARY_METRIC][place])
            for view, place in views.items()
            if counts.truths[:, place].sum()
        },
        "any_kind": float(average_map(anything, PRIMARY_METRIC)[0, 0]),
        "f1_5s": float(f_by_threshold(counts, F1_SECONDS).max()),
    }
