"""Spots from scores: peaks over time, each kept only if no better one of its kind is close."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unmuted.dataset.events import Spot

# Seconds of non-maximum suppression: a number, or one for each kind; None for a kind without spots.
Windows = float | Sequence[float | None]


def find_spots(
    scores: np.ndarray,
    valid: np.ndarray,
    kinds: Sequence[str],
    half: int,
    rate: float,
    window: Windows,
    threshold: float = 0.0,
) -> list[Spot]:
    """Return the peaks of one half by non-maximum suppression, in the order of time.

    Args:
        scores: (S, K), of each step and kind.
        valid: bool (S,), steps that have a picture; there is no spot at others.
        kinds: K names.
        half: 1 or 2.
        rate: steps a second; step i is at i / rate seconds of the half.
        window: seconds; a spot keeps others of its kind half of it away.
        threshold: smaller scores give no spot.

    Raises:
        ValueError: shapes do not fit, or a score of a valid step is not finite.
    """
    if scores.shape != (len(valid), len(kinds)):
        raise ValueError(f"scores {scores.shape} of {len(valid)} steps and {len(kinds)} kinds")
    if not np.isfinite(scores[valid]).all():
        raise ValueError("a score of a valid step is not finite")
    windows = [window] * len(kinds) if isinstance(window, int | float) else window
    spots = []
    for kind, column, seconds in zip(kinds, scores.T, windows, strict=True):
        if seconds is None:
            continue
        of_kind = np.where(valid, column, -np.inf)
        kept = suppress(of_kind, rate * seconds / 2, threshold)
        spots += [Spot(half, round(1000 * step / rate), kind, float(column[step])) for step in kept]
    return sorted(spots)


def suppress(scores: np.ndarray, reach: float, threshold: float) -> list[int]:
    """Return the steps that are peaks with at least the threshold, the best ones first.

    scores: (S,), finite, or minus infinity where there may be no peak. reach: steps; a peak keeps
    others farther away than this. Of equal peaks the earliest comes first.
    """
    candidates = peaks(scores)
    candidates = candidates[scores[candidates] >= threshold]
    free = np.ones(len(candidates), bool)
    kept = []
    for place in np.argsort(-scores[candidates], kind="stable"):
        if free[place]:
            step = candidates[place]
            kept.append(int(step))
            first = np.searchsorted(candidates, step - reach)
            last = np.searchsorted(candidates, step + reach, side="right")
            free[first:last] = False
    return kept


def peaks(scores: np.ndarray) -> np.ndarray:
    """Return the local maxima, int (P,): the middle of each stretch that is above both neighbours.

    The ends of the series may be peaks, since an event may be at the very start or end.
    """
    if not len(scores):
        return np.zeros(0, int)
    starts = np.flatnonzero(np.concatenate(([True], scores[1:] != scores[:-1])))
    lasts = np.concatenate((starts[1:] - 1, [len(scores) - 1]))
    level = scores[starts]
    before = np.concatenate(([-np.inf], level[:-1]))
    after = np.concatenate((level[1:], [-np.inf]))
    is_peak = (level > before) & (level > after)
    return (starts[is_peak] + lasts[is_peak]) // 2
