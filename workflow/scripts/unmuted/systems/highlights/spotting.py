"""Spots of a recording from its logits: temperatures, windows of suppression, and thresholds.

`unmuted.systems.highlights.choosing` chooses all of these on validation matches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unmuted.dataset.events import Event, Spot
from unmuted.systems.highlights.peaks import Windows, find_spots
from unmuted.systems.highlights.recordings import HalfStart, Recording
from unmuted.systems.highlights.spotting_metric import SpottingCounts, count_spots


@dataclass(frozen=True)
class SpotRule:
    """How spots are found in scores, and which of them are highlights.

    windows: seconds, of each kind, in which the best spot alone is kept. thresholds: of each kind,
    the score with the best F1, from which a spot counts as an event. reel_thresholds: the same for
    reels, which must rather show too much than leave an event out. All are None for a kind that has
    no spots, because no training match has an event of it.
    """

    windows: tuple[float | None, ...]
    thresholds: tuple[float | None, ...]
    reel_thresholds: tuple[float | None, ...]

    def payload(self) -> dict[str, Any]:
        """Return a JSON value, from which `SpotRule.of` makes it again."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SpotRule:
        """Take these fields from a JSON value, which may have more of them."""
        return cls(*(tuple(values[name]) for name in ("windows", "thresholds", "reel_thresholds")))


@dataclass(frozen=True)
class Calibration:
    """What turns the logits of one network into spots.

    temperature: divides the logits. windows, thresholds: as in `SpotRule`.
    """

    temperature: float
    windows: tuple[float | None, ...]
    thresholds: tuple[float | None, ...]

    def scores(self, logits: np.ndarray, reach: int) -> np.ndarray:
        """Return scores, float64 (S, K), of logits (S, K); reach: as for `calibrated`."""
        return calibrated(logits, self.temperature, reach)

    def payload(self) -> dict[str, Any]:
        """Return a JSON value, from which `Calibration.of` makes it again."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Calibration:
        """Take these fields from a JSON value, which may have more of them."""
        return cls(values["temperature"], tuple(values["windows"]), tuple(values["thresholds"]))


@dataclass(frozen=True)
class Ensemble:
    """The networks of all seeds of an arm, whose calibrated scores are averaged.

    temperatures: of each seed. rule: chosen on the averaged scores. reach: as for `calibrated`.
    """

    temperatures: tuple[float, ...]
    rule: SpotRule
    reach: int

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """Return mean scores, float32 (S, K), of logits (seeds, S, K); 0 of kinds without spots.

        Raises ValueError for logits of more or fewer seeds.
        """
        pairs = zip(logits, self.temperatures, strict=True)
        mean = np.mean([calibrated(x, temperature, self.reach) for x, temperature in pairs], axis=0)
        has_spots = np.array([window is not None for window in self.rule.windows])
        return np.where(has_spots, mean, 0).astype(np.float32)

    def spots(
        self,
        scores: np.ndarray,
        valid: np.ndarray,
        kinds: Sequence[str],
        halves: Sequence[HalfStart],
        rate: float,
    ) -> list[Spot]:
        """Return the spots of a recording in the order of time; scores: what `scores` returns.

        valid: bool (S,), see `spottable`.
        """
        return sorted(recording_spots(scores, valid, kinds, halves, rate, self.rule.windows))


def calibrated(logits: np.ndarray, temperature: float, reach: int) -> np.ndarray:
    """Return scores, float64 (S, K), of logits (S, K) that a temperature divides.

    reach: steps around each over which probabilities are averaged. The targets are 1 for so many
    steps around an event, and the average of such a plateau is highest in its middle.
    """
    return averaged(sigmoid(logits.astype(np.float64) / temperature), reach)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def averaged(scores: np.ndarray, reach: int) -> np.ndarray:
    """Average scores (S, K) over each step and `reach` steps on either side, fewer at the ends."""
    sums = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0)])
    steps = np.arange(len(scores))
    first, last = np.maximum(steps - reach, 0), np.minimum(steps + reach + 1, len(scores))
    return (sums[last] - sums[first]) / (last - first)[:, None]


def recording_spots(
    scores: np.ndarray,
    valid: np.ndarray,
    kinds: Sequence[str],
    halves: Sequence[HalfStart],
    rate: float,
    window: Windows,
    threshold: float = 0.0,
) -> list[Spot]:
    """Return the spots of a recording on the clocks of its halves.

    Arguments as for `find_spots`; a step belongs to the last half that has begun, and steps before
    the first half have no spot.
    """
    starts = [max(0, int(np.ceil(half.seconds * rate - 1e-9))) for half in halves]
    spots = []
    for half, first, last in zip(halves, starts, [*starts[1:], len(valid)], strict=True):
        offset = round(1000 * (first / rate - half.seconds))
        found = find_spots(
            scores[first:last], valid[first:last], kinds, half.half, rate, window, threshold
        )
        spots += [Spot(s.half, s.milliseconds + offset, s.kind, s.score) for s in found]
    return spots


@dataclass(frozen=True)
class LabelledRecording:
    """A recording with the events of its match that lie in it, as labelled, for scoring."""

    recording: Recording
    events: tuple[Event, ...]


def spottable(recording: Recording, reads_visual: bool) -> np.ndarray:
    """Return the steps at which there may be a spot, bool (S,): none without what is read."""
    return recording.shown if reads_visual else recording.has_sound


def count_matches(
    recordings: Sequence[LabelledRecording],
    spots: Sequence[Sequence[Spot]],
    kinds: Sequence[str],
    tolerances: Sequence[int],
) -> SpottingCounts:
    """Count the spots of recordings by match, matches in alphabetical order."""
    pairs: dict[str, tuple[list[Event], list[Spot]]] = defaultdict(lambda: ([], []))
    for labelled, found in zip(recordings, spots, strict=True):
        events, of_match = pairs[labelled.recording.match]
        events += labelled.events
        of_match += found
    return count_spots([pairs[match] for match in sorted(pairs)], kinds, tolerances)
