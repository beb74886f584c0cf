"""Intervals and tests of spotting metrics: paired draws of matches and seeds, through counts.

An average mAP is no mean over matches. So resamples weigh the counts of matches, and a test swaps
the counts of two arms in some of the matches, as two arms that are alike could be swapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap, interval, smallest_detectable
from unmuted.evaluation.significance import MOST_EXACT, bootstrap_p
from unmuted.systems.highlights.spotting_metric import SpottingCounts, average_map

PATTERNS = 1_000  # drawn for more matches than can be enumerated
TOLERANCE = 1e-12


def of_view(counts: SpottingCounts, view: int) -> SpottingCounts:
    """Keep one of the metric's views, by its index."""
    one = slice(view, view + 1)
    return replace(
        counts, hits=counts.hits[:, one], spots=counts.spots[:, one], truths=counts.truths[:, one]
    )


def mixed(first: SpottingCounts, second: SpottingCounts, chosen: np.ndarray) -> SpottingCounts:
    """Take the matches that are `chosen`, bool (M,), from the second counts, not the first."""

    def pick(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), b, a)

    return replace(
        first,
        hits=pick(first.hits, second.hits),
        spots=pick(first.spots, second.spots),
        truths=pick(first.truths, second.truths),
    )


def joined(first: SpottingCounts, second: SpottingCounts) -> SpottingCounts:
    """Put the matches of two counts side by side."""
    return replace(
        first,
        hits=np.concatenate([first.hits, second.hits]),
        spots=np.concatenate([first.spots, second.spots]),
        truths=np.concatenate([first.truths, second.truths]),
    )


@dataclass(frozen=True)
class Term:
    """A part of a statistic: the average mAP of counts, of each seed, and its weight."""

    weight: float
    by_seed: tuple[SpottingCounts, ...]  # of one view


@dataclass(frozen=True)
class Statistic:
    """A weighted sum of average mAPs, such as one, or the area under a curve over missing rates."""

    metric: str
    terms: tuple[Term, ...]

    def values(self, draws: np.ndarray | None = None) -> np.ndarray:
        """Return the statistic of resamples, float64 (R, S); draws: as for `average_map`."""
        parts = (
            term.weight
            * np.stack([average_map(c, self.metric, draws)[:, 0] for c in term.by_seed], axis=1)
            for term in self.terms
        )
        return np.asarray(sum(parts))

    @cached_property
    def per_seed(self) -> np.ndarray:
        """Return the statistic of each seed, float64 (S,)."""
        return self.values()[0]


def over(statistic: Statistic, bootstrap: GroupBootstrap) -> np.ndarray:
    """Return the statistic in each resample of matches and seeds, float64 (resamples,)."""
    unique, place = np.unique(bootstrap.draws, axis=0, return_inverse=True)
    return bootstrap.over_seeds(statistic.values(unique)[place.reshape(-1)])


def measured(statistic: Statistic, bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Sum up a statistic: its mean over seeds, interval, and value of each seed."""
    return {
        "mean": float(statistic.per_seed.mean()),
        "ci95": list(interval(over(statistic, bootstrap))),
        "per_seed": [float(value) for value in statistic.per_seed],
    }


def difference(
    first: Statistic, second: Statistic, bootstrap: GroupBootstrap, seed: int, level: float
) -> dict[str, Any]:
    """Sum up a paired difference, with a p-value.

    It is the larger of two: of swapping the arms in whole matches, which ignores the variation
    between seeds, and of the interval's own draws. level: of the smallest detectable difference.
    """
    samples = over(first, bootstrap) - over(second, bootstrap)
    per_seed = first.per_seed - second.per_seed
    return {
        "delta": float(per_seed.mean()),
        "ci95": list(interval(samples)),
        "per_seed": [float(value) for value in per_seed],
        "p": max(swap_p(first, second, seed), bootstrap_p(samples)),
        "smallest_detectable": smallest_detectable(samples, level) or None,
    }


def swap_p(first: Statistic, second: Statistic, seed: int) -> float:
    """Compute a two-sided p-value by swapping two arms in some of the matches.

    All patterns of up to 16 matches are enumerated; of more, some are drawn from `seed`.
    """
    matches = len(first.terms[0].by_seed[0].truths)
    is_exact = 2**matches <= PATTERNS * 64 and matches <= MOST_EXACT
    patterns = _all_patterns(matches) if is_exact else _drawn_patterns(matches, seed)
    forth = np.concatenate([1 - patterns, patterns], axis=1)
    back = np.concatenate([patterns, 1 - patterns], axis=1)
    totals = np.zeros(len(patterns))
    for one, other in zip(first.terms, second.terms, strict=True):
        for a, b in zip(one.by_seed, other.by_seed, strict=True):
            both = joined(a, b)
            swapped = average_map(both, first.metric, forth) - average_map(both, first.metric, back)
            totals += one.weight * swapped[:, 0] / len(one.by_seed)
    observed = abs(float((first.per_seed - second.per_seed).mean())) - TOLERANCE
    extreme = int((np.abs(totals) >= observed).sum())
    return extreme / len(totals) if is_exact else (extreme + 1) / (len(totals) + 1)


def _all_patterns(matches: int) -> np.ndarray:
    codes = np.arange(2**matches)[:, None]
    return (codes >> np.arange(matches)) & 1


def _drawn_patterns(matches: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(2, size=(PATTERNS, matches))


def curve_weights(rates: Sequence[float]) -> np.ndarray:
    """Return the weights of values at rising rates in the mean height of the curve through them."""
    x = np.asarray(rates, np.float64)
    widths = np.diff(x)
    weights = np.zeros(len(x))
    weights[:-1] += widths / 2
    weights[1:] += widths / 2
    return weights / widths.sum()
