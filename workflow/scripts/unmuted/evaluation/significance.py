"""p-values of paired differences, clustered by source group, and their adjustment."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from unmuted.errors import UserError
from unmuted.evaluation.bootstrap import ALPHA, GroupBootstrap

FEWEST_GROUPS = 6  # with fewer no p-value can be below 0.05
MOST_EXACT = 16  # groups; up to this number all 2^G sign patterns are enumerated
DRAWS = 20_000
_DRAWS_AT_ONCE = 1000  # bounds memory
TINY = 1e-9  # sums of fractions that are 0 except for rounding

Name = TypeVar("Name", bound=Hashable)


def sign_flip_p(
    difference: np.ndarray, groups: Sequence[str] | np.ndarray, seed: int, draws: int = DRAWS
) -> float:
    """Compute a two-sided p-value of a mean difference by flipping signs of source groups.

    difference: float (N,), one per clip, such as correctness in one arm minus correctness in the
    other, mean over seeds. groups: source group of each clip. Were the arms alike, their names
    could be swapped in any group: the p-value is the share of sign patterns of the groups' sums
    whose total is as far from 0 as the observed one. It is exact for up to 16 groups whose sum is
    not 0; with more, it is estimated from `draws` patterns drawn from `seed` and the observed
    pattern (Phipson and Smyth 2010). Dividing the total by its standard error would order
    the patterns the same way, so this is also the permutation form of the paired t-test.
    """
    _, group_of_clip = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(group_of_clip, weights=np.asarray(difference, dtype=np.float64))
    # Fractions of a seed may add up to almost 0 or almost a tie, which is no difference.
    tolerance = 1e-9 * max(1.0, float(np.abs(sums).sum()))
    sums = sums[np.abs(sums) > tolerance]
    observed = abs(sums.sum()) - tolerance
    if len(sums) <= MOST_EXACT:
        return float((np.abs(_all_totals(sums)) >= observed).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, draws, _DRAWS_AT_ONCE):
        shape = (min(_DRAWS_AT_ONCE, draws - start), len(sums))
        signs = rng.integers(2, size=shape, dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ sums) >= observed).sum())
    return (extreme + 1) / (draws + 1)


def bootstrap_p(samples: np.ndarray) -> float:
    """Compute a two-sided p-value of a difference from its resampled values (B,), never 0.

    It is twice the share of resamples at or beyond 0 on the rarer side, including the observed
    value: below 0.05 only if the 95 % percentile interval of the same resamples excludes 0.
    """
    at_most, at_least = (samples <= TINY).sum(), (samples >= -TINY).sum()
    return float(min(1.0, 2 * (1 + min(at_most, at_least)) / (len(samples) + 1)))


def paired_p(difference: np.ndarray, bootstrap: GroupBootstrap) -> float:
    """Compute a two-sided p-value of a mean paired difference of two arms, (S, N).

    It is the larger of two: by flipping signs of source groups, which with few groups limits how
    small it can be but ignores the variation between seeds; and by the draws of groups and seeds
    behind the interval, which includes that variation.
    """
    over_groups = sign_flip_p(difference.mean(axis=0), bootstrap.group_of_clip, seed=0)
    return max(over_groups, bootstrap_p(bootstrap.means(difference)))


def smallest_p(groups: int) -> float:
    """Return the smallest p-value that this number of differing source groups allows."""
    return min(1.0, 2.0 ** (1 - groups))


def smallest_reachable_p(bootstrap: GroupBootstrap) -> float:
    """Return the smallest possible value of `paired_p` with these groups and resamples."""
    resamples, groups = bootstrap.draws.shape
    return max(smallest_p(groups), _drawn_p(groups), min(1.0, 2 / (resamples + 1)))


def _drawn_p(groups: int) -> float:
    """Return the smallest p-value that drawn sign patterns allow; 0 where all are enumerated."""
    return 1 / (DRAWS + 1) if groups > MOST_EXACT else 0.0


def verdict(
    delta: float, p_adjusted: float, bootstrap: GroupBootstrap, level: float = ALPHA
) -> str:
    """Say in words what a contrast shows, by its adjusted p-value alone.

    level: that its p-value must pass if no other of its family passes; 0.05, or less in a family.
    """
    resamples, groups = bootstrap.draws.shape
    if groups < FEWEST_GROUPS or max(smallest_p(groups), _drawn_p(groups)) > level:
        return f"cannot be shown with {groups} groups"
    if smallest_reachable_p(bootstrap) > level:
        return f"cannot be shown with {resamples} resamples"
    if p_adjusted >= ALPHA:
        return "no difference shown"
    return "better" if delta > 0 else "worse"


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values to control the family-wise error rate (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def adjusted_p_values(
    p_values: Mapping[Name, float], primary: Name | None = None
) -> dict[Name, float]:
    """Adjust the p-values of named contrasts by Holm, except the primary one.

    The primary contrast, named before any result is seen, is tested alone; the others are a
    separate family. So the error rate holds for each of the two, not for both together. Without a
    primary contrast all are one family. Raises UserError if `primary` is none of the contrasts.
    """
    if primary is not None and primary not in p_values:
        names = ", ".join(sorted(map(str, p_values)))
        raise UserError(f"primary contrast: {primary!r} is none of the contrasts {names}")
    others = [name for name in p_values if name != primary]
    rest = dict(zip(others, holm([p_values[name] for name in others]), strict=True))
    return {name: rest.get(name, p_values[name]) for name in p_values}


def _all_totals(sums: np.ndarray) -> np.ndarray:
    """Compute the totals (2^G,) of sums (G,) under every pattern of signs."""
    totals = np.zeros(1)
    for value in sums:
        totals = np.concatenate([totals + value, totals - value])
    return totals


def p_in_words(p: float) -> str:
    """Format a p-value; none is 0."""
    return "p < 0.001" if p < 0.001 else f"p {p:.3f}"
