"""The choice of temperatures, windows and thresholds, all on validation matches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.systems.highlights.peaks import Windows
from unmuted.systems.highlights.sampling import Targets
from unmuted.systems.highlights.spotting import (
    Calibration,
    LabelledRecording,
    SpotRule,
    calibrated,
    count_matches,
    recording_spots,
)
from unmuted.systems.highlights.spotting_metric import (
    F1_SECONDS,
    PRIMARY_METRIC,
    TOLERANCES,
    SpottingCounts,
    average_map,
    average_precision,
    best_threshold,
    f_by_threshold,
    reel_threshold,
)

TEMPERATURES = np.geomspace(0.5, 8.0, 49)


@dataclass(frozen=True)
class Validation:
    """What an arm's calibrations are chosen on.

    Attributes:
        recordings: of validation matches, R of them.
        targets: of each.
        valid: of each, bool (S,), the steps with what the arm reads.
        kinds: K names.
        trained: bool (K,), kinds of which a training match has an event.
        rate: steps a second.
        windows: seconds; the candidates.
        reach: as for `calibrated`.
    """

    recordings: Sequence[LabelledRecording]
    targets: Sequence[Targets]
    valid: Sequence[np.ndarray]
    kinds: Sequence[str]
    trained: np.ndarray
    rate: float
    windows: Sequence[float]
    reach: int

    def has_events(self) -> np.ndarray:
        """Return the kinds of which a validation match has an event, bool (K,)."""
        found = {event.kind for one in self.recordings for event in one.events}
        return np.array([kind in found for kind in self.kinds])

    def counts(
        self, scores: Sequence[np.ndarray], windows: Windows, tolerances: Sequence[int]
    ) -> SpottingCounts:
        """Count the spots in scores (S, K) of each recording, by match."""
        spots = [
            recording_spots(of, valid, self.kinds, one.recording.halves, self.rate, windows)
            for of, one, valid in zip(scores, self.recordings, self.valid, strict=True)
        ]
        return count_matches(self.recordings, spots, self.kinds, tolerances)


def choose_calibration(
    logits: Sequence[np.ndarray], validation: Validation
) -> tuple[Calibration, float]:
    """Choose the calibration of one network, and score the result.

    logits: (S, K) of each recording. Returns the tight average mAP beside the calibration.
    """
    together = Targets(
        np.concatenate([t.target for t in validation.targets]),
        np.concatenate([t.weight * validation.trained for t in validation.targets]),
    )
    temperature = fit_temperature(np.concatenate(list(logits)), together)
    scores = [calibrated(x, temperature, validation.reach) for x in logits]
    rule, score = choose_rule(scores, validation)
    return Calibration(temperature, rule.windows, rule.thresholds), score


def choose_rule(scores: Sequence[np.ndarray], validation: Validation) -> tuple[SpotRule, float]:
    """Choose window and thresholds of each kind, and score the result.

    A kind without a training event gets none. One without a validation event, or of which no spot
    is near one, gets the window and the thresholds that are best for all kinds together that have
    both events: its own would be arbitrary.

    scores: (S, K) of each recording. Returns the tight average mAP beside the rule. Raises
    ValueError if no kind has both.
    """
    has_events, trained = validation.has_events(), validation.trained
    judged = has_events & trained
    if not judged.any():
        raise ValueError("no kind has an event in both training and validation matches")
    candidates = sorted(map(float, validation.windows))
    precisions = np.stack(
        [
            average_precision(
                validation.counts(scores, window, TOLERANCES[PRIMARY_METRIC]).pooled(),
                PRIMARY_METRIC,
            )[0, 0]
            for window in candidates
        ]
    )  # (W, K)
    shared = candidates[int(precisions[:, judged].mean(axis=1).argmax())]
    best = [candidates[i] for i in precisions.argmax(axis=0)]
    windows = _by_kind(best, shared, precisions.max(axis=0) > 0, trained)
    counts = validation.counts(scores, windows, sorted({*TOLERANCES[PRIMARY_METRIC], F1_SECONDS}))
    each = [counts.of_kinds(one) for one in np.eye(len(trained), dtype=bool)]
    is_found = np.array([f_by_threshold(one, F1_SECONDS).max() > 0 for one in each])
    thresholds, for_reels = (
        _by_kind(
            [choose(one, F1_SECONDS) for one in each],
            choose(counts.of_kinds(judged), F1_SECONDS),
            is_found,
            trained,
        )
        for choose in (best_threshold, reel_threshold)
    )
    rule = SpotRule(windows, thresholds, for_reels)
    return rule, float(average_map(counts, PRIMARY_METRIC)[0, 0])


def _by_kind(
    own: Sequence[float], shared: float, is_found: np.ndarray, trained: np.ndarray
) -> tuple[float | None, ...]:
    """Return the value of each kind: its own, the shared one if not found, None if not trained."""
    return tuple(
        None if not knows else value if has else shared
        for value, has, knows in zip(own, is_found, trained, strict=True)
    )


def step_log_loss(logits: np.ndarray, targets: Targets, temperature: float = 1.0) -> float:
    """Return the mean binary cross-entropy over the steps and kinds with weight."""
    x = logits.astype(np.float64) / temperature
    losses = np.logaddexp(0, x) - targets.target * x
    return float((losses * targets.weight).sum() / max(targets.weight.sum(), 1))


def fit_temperature(logits: np.ndarray, targets: Targets) -> float:
    """Return the temperature of the lowest log-loss on steps (N, K), among `TEMPERATURES`."""
    losses = [step_log_loss(logits, targets, temperature) for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])
