"""Spots of a recording from its scores, and the choice of what turns one into the other.

Everything here is chosen on validation matches: temperature, window of each kind, threshold of each
kind, checkpoint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unmuted.dataset.events import Event, Spot
from unmuted.systems.highlights.peaks import find_spots
from unmuted.systems.highlights.recordings import HalfStart, Recording
from unmuted.systems.highlights.sampling import Targets
from unmuted.systems.highlights.spotting_metric import (
    TOLERANCES,
    SpottingCounts,
    average_map,
    average_precision,
    best_threshold,
    count_spots,
)

METRIC = "tight"  # that checkpoints and windows are chosen by
F1_SECONDS = 5  # tolerance of the F1 that thresholds are chosen by
TEMPERATURES = np.geomspace(0.5, 8.0, 49)


@dataclass(frozen=True)
class Calibration:
    """What turns logits into spots.

    temperature: divides the logits. windows: seconds, of each kind, in which the best spot alone is
    kept. thresholds: of each kind, the score from which a spot is a highlight.
    """

    temperature: float
    windows: tuple[float, ...]
    thresholds: tuple[float, ...]

    def scores(self, logits: np.ndarray, reach: int) -> np.ndarray:
        """Return scores, float64 (S, K), of logits (S, K).

        reach: steps around each over which probabilities are averaged. The targets are 1 for so
        many steps around an event, and the average of such a plateau is highest in its middle.
        """
        return averaged(sigmoid(logits.astype(np.float64) / self.temperature), reach)

    def payload(self) -> dict[str, Any]:
        """Return a JSON value, from which `Calibration.of` makes it again."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Calibration:
        """Take these fields from a JSON value, which may have more of them."""
        kinds = tuple(values["windows"]), tuple(values["thresholds"])
        return cls(values["temperature"], *kinds)


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
    window: float | Sequence[float],
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


def step_log_loss(logits: np.ndarray, targets: Targets, temperature: float = 1.0) -> float:
    """Return the mean binary cross-entropy over the steps and kinds with weight."""
    x = logits.astype(np.float64) / temperature
    losses = np.logaddexp(0, x) - targets.target * x
    return float((losses * targets.weight).sum() / max(targets.weight.sum(), 1))


def fit_temperature(logits: np.ndarray, targets: Targets) -> float:
    """Return the temperature of the lowest log-loss on steps (N, K), among `TEMPERATURES`."""
    losses = [step_log_loss(logits, targets, temperature) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


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


def choose_calibration(
    logits: Sequence[np.ndarray],
    targets: Sequence[Targets],
    recordings: Sequence[LabelledRecording],
    valid: Sequence[np.ndarray],
    kinds: Sequence[str],
    rate: float,
    windows: Sequence[float],
    reach: int,
) -> tuple[Calibration, float]:
    """Choose temperature, windows and thresholds on validation recordings, and score the result.

    logits: (S, K) of each recording. valid: bool (S,), steps with what the spotter reads. reach: as
    for `Calibration.scores`. Returns the tight average mAP beside the calibration.
    """
    together = Targets(
        np.concatenate([t.target for t in targets]), np.concatenate([t.weight for t in targets])
    )
    temperature = fit_temperature(np.concatenate(list(logits)), together)
    uncut = Calibration(temperature, (), ())
    scores = [uncut.scores(x, reach) for x in logits]

    def counts_of(window: float | Sequence[float], tolerances: Sequence[int]) -> SpottingCounts:
        spots = [
            recording_spots(s, shown, kinds, labelled.recording.halves, rate, window)
            for s, labelled, shown in zip(scores, recordings, valid, strict=True)
        ]
        return count_matches(recordings, spots, kinds, tolerances)

    ordered = sorted(windows)
    by_window = np.stack(
        [
            average_precision(counts_of(window, TOLERANCES[METRIC]).pooled(), METRIC)[0, 0]
            for window in ordered
        ]
    )  # (W, K)
    chosen = tuple(float(ordered[i]) for i in by_window.argmax(axis=0))
    counts = counts_of(chosen, sorted({*TOLERANCES[METRIC], F1_SECONDS}))
    thresholds = tuple(best_threshold(of_kind(counts, k), F1_SECONDS) for k in range(len(kinds)))
    return Calibration(temperature, chosen, thresholds), float(average_map(counts, METRIC)[0, 0])


def of_kind(counts: SpottingCounts, kind: int) -> SpottingCounts:
    """Keep one kind of the counts, by its index."""
    one = slice(kind, kind + 1)
    return SpottingCounts(
        counts.kinds[one],
        counts.tolerances,
        counts.hits[:, :, one],
        counts.spots[:, :, one],
        counts.truths[:, :, one],
    )
