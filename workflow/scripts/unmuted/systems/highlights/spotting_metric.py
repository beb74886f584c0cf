"""The average mAP of action spotting, as the package SoccerNet 0.2.0 computes it.

Events and spots are counted on a grid of half seconds. A spot is a hit if it lies within a
tolerance of an event of its kind that has no better spot. Counting comes first and is additive
over matches, so that any resample of matches costs one matrix product. The package multiplies its
unshown figure by 17/13, which suits one data set; here no figure is scaled.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.dataset.events import HALVES, Event, Spot

RATE = 2  # frames of the grid in a second
LAST_FRAME = 120 * 60 * RATE - 1
THRESHOLDS = np.linspace(0, 1, 200)
RECALLS = np.arange(11) / 10
VIEWS = ("all", "shown", "unshown")
TOLERANCES = {  # seconds of both sides together
    "tight": (1, 2, 3, 4, 5),
    "loose": tuple(range(5, 61, 5)),
    **{f"at{seconds}": (seconds,) for seconds in range(1, 6)},
}
PRIMARY_METRIC = "tight"  # also what checkpoints and windows are chosen by
F1_SECONDS = 5  # tolerance of F1, also of the one that thresholds are chosen by
REEL_BETA = 2.0  # a reel without an event is worse than one with a segment too many
ALL_TOLERANCES = tuple(sorted({seconds for row in TOLERANCES.values() for seconds in row}))
DRAWS_AT_ONCE = 25  # bounds memory


@dataclass(frozen=True)
class SpottingCounts:
    """What M matches, or M resamples of matches, contribute to precision and recall.

    A spot counts as shown or unshown like the nearest event of its kind in its half; without such
    an event it is unshown. T is the number of `THRESHOLDS`, V of `VIEWS`.
    """

    kinds: tuple[str, ...]  # K of them
    tolerances: tuple[int, ...]  # seconds, D of them
    hits: np.ndarray  # (M, V, K, D, T), spots with at least this score that hit an event
    spots: np.ndarray  # (M, V, K, T), spots with at least this score
    truths: np.ndarray  # (M, V, K), events

    def at(self, tolerances: Sequence[int]) -> SpottingCounts:
        """Keep some of the tolerances. Raises ValueError for one that was not counted."""
        places = [self.tolerances.index(seconds) for seconds in tolerances]
        return SpottingCounts(
            self.kinds, tuple(tolerances), self.hits[..., places, :], self.spots, self.truths
        )

    def of_kinds(self, chosen: np.ndarray) -> SpottingCounts:
        """Keep some of the kinds; chosen: bool (K,)."""
        kinds = tuple(kind for kind, is_chosen in zip(self.kinds, chosen, strict=True) if is_chosen)
        hits, spots = self.hits[:, :, chosen], self.spots[:, :, chosen]
        return SpottingCounts(kinds, self.tolerances, hits, spots, self.truths[:, :, chosen])

    def pooled(self, draws: np.ndarray | None = None) -> SpottingCounts:
        """Add up the matches.

        draws: whole numbers (R, M), how often each match is in each of R resamples; by default one
        resample of all matches, once each.
        """
        if draws is None:
            draws = np.ones((1, len(self.truths)))
        weights = draws.astype(np.float64)

        def sums(counts: np.ndarray) -> np.ndarray:
            flat = counts.reshape(len(counts), -1).astype(np.float64)
            return (weights @ flat).reshape(-1, *counts.shape[1:])

        return SpottingCounts(
            self.kinds, self.tolerances, sums(self.hits), sums(self.spots), sums(self.truths)
        )


def count_spots(
    matches: Iterable[tuple[Sequence[Event], Sequence[Spot]]],
    kinds: Sequence[str],
    tolerances: Sequence[int] = ALL_TOLERANCES,
) -> SpottingCounts:
    """Count hits, spots and events for each match.

    Args:
        matches: events and spots of each, in the order of their file: of two at the same time and
            of the same kind the later one counts. A spot with a negative score, or NaN, does not.
        kinds: those that are scored; others are left out, and so are halves other than 1 and 2.
        tolerances: seconds; a spot may be half of it early or late.

    Raises:
        ValueError: a time is negative, or there is no match.
    """
    counted = [_count_match(*match, kinds, tolerances) for match in matches]
    if not counted:
        raise ValueError("there is no match to score")
    hits, spots, truths = (np.stack(column) for column in zip(*counted, strict=True))
    return SpottingCounts(tuple(kinds), tuple(tolerances), hits, spots, truths)


def average_precision(counts: SpottingCounts, metric: str) -> np.ndarray:
    """Return the 11-point average precision, averaged over the tolerances: float64 (M, V, K).

    metric: a key of `TOLERANCES`. The average is the area under the trapezoids between tolerances,
    divided by their range. A kind without events has 0.
    """
    chosen = counts.at(TOLERANCES[metric])
    hits, truths = chosen.hits, chosen.truths[..., None, None]
    precision = hits / np.maximum(chosen.spots[..., None, :], 1)
    recall = hits / np.maximum(truths, 1)
    # Recall falls as the threshold rises, so the thresholds that reach a recall come first.
    best = np.maximum.accumulate(precision, axis=-1)
    total = np.zeros(hits.shape[:-1])
    for level in RECALLS:
        reaching = (recall >= level).sum(axis=-1)
        last = np.maximum(reaching - 1, 0)[..., None]
        total += np.where(reaching > 0, np.take_along_axis(best, last, axis=-1)[..., 0], 0)
    return (total / len(RECALLS)) @ _trapezoid(len(chosen.tolerances))


def average_map(counts: SpottingCounts, metric: str, draws: np.ndarray | None = None) -> np.ndarray:
    """Return the average mAP of pooled matches, the mean over all kinds: float64 (R, V).

    draws: as for `SpottingCounts.pooled`, by default one resample of all matches.
    """
    chosen = counts.at(TOLERANCES[metric])
    if draws is None:
        draws = np.ones((1, len(counts.truths)))
    parts = [draws[start : start + DRAWS_AT_ONCE] for start in range(0, len(draws), DRAWS_AT_ONCE)]
    return np.concatenate(
        [average_precision(chosen.pooled(part), metric).mean(axis=-1) for part in parts]
    )


def f_by_threshold(counts: SpottingCounts, seconds: int, beta: float = 1.0) -> np.ndarray:
    """Return the F-score over all pooled matches and kinds at each of `THRESHOLDS`: float64 (T,).

    seconds: the tolerance. beta: how many times as much recall counts as precision. The score is 0
    where there is neither a spot nor an event.
    """
    pooled = counts.at((seconds,)).pooled()
    hits = pooled.hits[0, 0, :, 0].sum(axis=0)
    either = pooled.spots[0, 0].sum(axis=0) + beta**2 * pooled.truths[0, 0].sum()
    return (1 + beta**2) * hits / np.maximum(either, 1)


def best_threshold(counts: SpottingCounts, seconds: int) -> float:
    """Return the threshold with the best F1, the middle of the first ones that are equally good."""
    scores = f_by_threshold(counts, seconds)
    first = int(scores.argmax())
    worse = np.flatnonzero(scores[first:] < scores[first])
    last = first + int(worse[0]) - 1 if len(worse) else len(scores) - 1
    return float(THRESHOLDS[(first + last) // 2])


def reel_threshold(counts: SpottingCounts, seconds: int) -> float:
    """Return the lowest threshold with the best F-score in which recall counts twice."""
    scores = f_by_threshold(counts, seconds, REEL_BETA)
    return float(THRESHOLDS[int(scores.argmax())])


def _count_match(
    events: Iterable[Event], spots: Iterable[Spot], kinds: Sequence[str], tolerances: Sequence[int]
) -> list[np.ndarray]:
    """Count all kinds in both halves: hits (V, K, D, T), spots (V, K, T), events (V, K)."""
    shown: dict[tuple[str, int], dict[int, bool]] = defaultdict(dict)
    scores: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    for event in events:
        shown[event.kind, event.half][_frame(event)] = event.is_shown
    for spot in spots:
        scores[spot.kind, spot.half][_frame(spot)] = spot.score
    by_kind = []
    for kind in kinds:
        by_half = [_count(shown[kind, half], scores[kind, half], tolerances) for half in HALVES]
        by_kind.append([first + second for first, second in zip(*by_half, strict=True)])
    return [np.stack(of_kinds, axis=1) for of_kinds in zip(*by_kind, strict=True)]


def _frame(moment: Event | Spot) -> int:
    if moment.milliseconds < 0:
        raise ValueError(f"{moment} lies before the start of its half")
    return min(RATE * moment.milliseconds // 1000, LAST_FRAME)


def _count(
    events: dict[int, bool], spots: dict[int, float], tolerances: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count one kind in one half: hits (V, D, T), spots (V, T), events (V,).

    events: frame -> whether it is shown. spots: frame -> score.
    """
    event_frames = np.array(sorted(events), int)
    shown = np.array([events[frame] for frame in sorted(events)], bool)
    spot_frames = np.array([frame for frame in sorted(spots) if spots[frame] >= 0], int)
    scores = np.array([spots[frame] for frame in spot_frames], np.float64)
    levels = np.searchsorted(THRESHOLDS, scores, side="right")  # thresholds that a score reaches
    near_shown = _nearest_is_shown(spot_frames, event_frames, shown)
    in_view = np.stack((np.ones(len(scores), bool), near_shown, ~near_shown))
    hit = np.stack([_match(event_frames, spot_frames, scores, RATE * t / 2) for t in tolerances])
    hits = _reaching(levels, in_view[:, None] & hit)
    return hits, _reaching(levels, in_view), np.array([len(shown), shown.sum(), (~shown).sum()])


def _match(
    event_frames: np.ndarray, spot_frames: np.ndarray, scores: np.ndarray, reach: float
) -> np.ndarray:
    """Return which spots hit an event, bool (P,).

    Each event in turn takes the best free spot within reach, the earliest of equal ones.
    """
    free = scores.copy()
    starts = np.searchsorted(spot_frames, event_frames - reach)
    ends = np.searchsorted(spot_frames, event_frames + reach, side="right")
    for start, end in zip(starts, ends, strict=True):
        if start < end:
            best = start + free[start:end].argmax()
            free[best] = -1
    return free < 0


def _nearest_is_shown(
    spot_frames: np.ndarray, event_frames: np.ndarray, shown: np.ndarray
) -> np.ndarray:
    """Return whether the event nearest to each spot is shown, bool (P,); False without events."""
    if not len(event_frames):
        return np.zeros(len(spot_frames), bool)
    borders = (event_frames[:-1] + event_frames[1:]) // 2
    return shown[np.searchsorted(borders, spot_frames, side="right")]


def _reaching(levels: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return how many of the counted scores reach each threshold: bool (..., P) -> int (..., T)."""
    *shape, width = *counted.shape[:-1], len(THRESHOLDS) + 1
    rows = counted.reshape(math.prod(shape), len(levels))
    row, place = np.nonzero(rows)
    of_level = np.bincount(row * width + levels[place], minlength=len(rows) * width)
    from_above = of_level.reshape(*shape, width)[..., ::-1].cumsum(axis=-1)
    return from_above[..., ::-1][..., 1:].astype(np.int32)


def _trapezoid(count: int) -> np.ndarray:
    """Return the weights of equally spaced values: the first and the last weigh half."""
    if count == 1:
        return np.ones(1)
    weights = np.ones(count)
    weights[[0, -1]] = 0.5
    return weights / (count - 1)
