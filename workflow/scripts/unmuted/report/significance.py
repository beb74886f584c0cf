"""p-values of paired differences, clustered by source group, and their correction for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unmuted.errors import UserError

MOST_EXACT = 16  # groups; up to here all 2^G sign patterns are gone through
DRAWS = 20_000
_DRAWS_AT_ONCE = 1000  # bounds memory


def sign_flip_p(
    difference: np.ndarray, groups: Sequence[str], seed: int, draws: int = DRAWS
) -> float:
    """Two-sided p-value of a mean difference of two arms, by flipping signs of source groups.

    difference: float (N,), one a clip, such as correctness in one arm minus correctness in the
    other, mean over seeds. groups: source group of each clip. Were the arms alike, their names
    could be swapped in any group: the p-value is the share of sign patterns of the groups' sums
    whose total lies as far from 0 as the one found. It is exact for up to 16 groups whose sum is
    not 0, however few they are; with more, `draws` patterns drawn from `seed` and the pattern found
    stand for all (Phipson and Smyth 2010). Dividing the total by its standard error would order
    the patterns the same way, so this is also the permutation form of the paired t-test.
    """
    _, group_of_clip = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(group_of_clip, weights=np.asarray(difference, dtype=np.float64))
    # Fractions of a seed add up to almost 0 or almost a tie: not seen as differences.
    tolerance = 1e-9 * max(1.0, float(np.abs(sums).sum()))
    sums = sums[np.abs(sums) > tolerance]
    found = abs(sums.sum()) - tolerance
    if len(sums) <= MOST_EXACT:
        return float((np.abs(_all_totals(sums)) >= found).mean())
    rng = np.random.default_rng(seed)
    extreme = 0
    for start in range(0, draws, _DRAWS_AT_ONCE):
        shape = (min(_DRAWS_AT_ONCE, draws - start), len(sums))
        signs = rng.integers(2, size=shape, dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ sums) >= found).sum())
    return (extreme + 1) / (draws + 1)


def smallest_p(groups: int) -> float:
    """The smallest p-value that so many differing source groups allow: all signs alike."""
    return min(1.0, 2.0 ** (1 - groups))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that hold the chance of any false find at its level (Holm 1979)."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


def adjusted_p_values(p_values: Mapping[str, float], primary: str) -> dict[str, float]:
    """The p-values of named contrasts: the primary one as it is, the others adjusted by Holm.

    The primary contrast, named before any result is seen, is tested first and alone; the others
    are one family of their own. So each of the two, not both together, errs at the stated level.
    Raises UserError when `primary` is none of the contrasts.
    """
    if primary not in p_values:
        raise UserError(
            f"primary contrast: {primary!r} is none of the contrasts {', '.join(sorted(p_values))}"
        )
    others = [name for name in p_values if name != primary]
    rest = dict(zip(others, holm([p_values[name] for name in others]), strict=True))
    return {name: rest.get(name, p_values[name]) for name in p_values}


def _all_totals(sums: np.ndarray) -> np.ndarray:
    """Totals (2^G,) of sums (G,) under every pattern of signs."""
    totals = np.zeros(1)
    for value in sums:
        totals = np.concatenate([totals + value, totals - value])
    return totals
