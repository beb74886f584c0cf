"""Spots from logits, and what validation matches choose."""

from __future__ import annotations

import numpy as np
import pytest

from systems.highlights.toy_matches import KINDS, RATE, toy_matches
from unmuted.systems.highlights.choosing import (
    Validation,
    choose_calibration,
    choose_rule,
    fit_temperature,
)
from unmuted.systems.highlights.recordings import HalfStart
from unmuted.systems.highlights.sampling import Targets
from unmuted.systems.highlights.spot_arrays import pack_spots, unpack_spots
from unmuted.systems.highlights.spotting import (
    Calibration,
    Ensemble,
    LabelledRecording,
    SpotRule,
    averaged,
    recording_spots,
)

WINDOWS = (1, 3, 10)
REACH = 5
ALL = (True, True, True)


def test_times_are_those_of_each_half_of_a_file() -> None:
    scores = np.zeros((500, 1))
    scores[[100, 300]] = 1
    halves = (HalfStart(1, 2.0), HalfStart(2, 50.1))
    spots = recording_spots(scores, np.ones(500, bool), ["Goal"], halves, RATE, 3.0, 0.5)
    assert [(s.half, s.milliseconds) for s in spots] == [(1, 18_000), (2, 9_900)]


def test_the_middle_of_a_plateau_is_its_peak() -> None:
    logits = np.full((100, 1), -8.0)
    logits[40:51, 0] = 6 + np.random.default_rng(0).uniform(-1, 1, 11)
    scores = Calibration(1.0, (1.0,), (0.5,)).scores(logits, 5)
    assert scores[:, 0].argmax() == 45
    assert averaged(np.ones((4, 2)), 9).tolist() == [[1, 1]] * 4


def test_the_temperature_undoes_an_exaggeration() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 1)) * 2
    target = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    targets = Targets(target, np.ones_like(target))
    assert fit_temperature(4 * logits, targets) == pytest.approx(4, rel=0.1)
    ignored = Targets(np.where(logits > 0, 0, target).astype(np.float32), (logits <= 0) * 1.0)
    assert fit_temperature(4 * logits, ignored) == pytest.approx(4, rel=0.2)


def made_validation(
    trained: tuple[bool, ...] = ALL, labelled_kinds: tuple[str, ...] = KINDS
) -> tuple[list[np.ndarray], Validation]:
    """Logits and the recordings that are chosen on.

    Kind 0 echoes 4 s after every second event; kind 1 is found without an echo, and so is kind 2.
    labelled_kinds: those whose events are labelled.
    """
    labelled = toy_matches(2)
    logits, targets = [], []
    for one in labelled:
        rows = np.full((one.recording.steps, 3), -6.0)
        for place, event in enumerate(one.recording.events):
            step = round(event.seconds * RATE)
            is_strong = place % 2
            rows[max(step - 5, 0) : step + 6, event.kind] = 3 if is_strong else 1.5
            if event.kind == 0 and is_strong:
                rows[step + 15 : step + 26, 0] = 2.5
        logits.append(rows)
        targets.append(Targets((rows > 0).astype(np.float32), np.ones(rows.shape, np.float32)))
    known = [
        LabelledRecording(one.recording, tuple(e for e in one.events if e.kind in labelled_kinds))
        for one in labelled
    ]
    valid = [one.recording.shown for one in labelled]
    validation = Validation(known, targets, valid, KINDS, np.array(trained), RATE, WINDOWS, REACH)
    return logits, validation


def test_windows_and_thresholds_are_those_that_suit_each_kind() -> None:
    found, score = choose_calibration(*made_validation())
    assert found.windows[0] == 10
    assert score > 0.85
    assert all(0.05 < threshold < 0.95 for threshold in found.thresholds)


def test_a_kind_without_a_training_event_has_no_spots() -> None:
    """It has events here, and would be found."""
    trained = (True, False, True)
    logits, validation = made_validation(trained)
    found, score = choose_calibration(logits, validation)
    assert found.windows[1] is None and found.thresholds[1] is None
    assert score < choose_calibration(*made_validation())[1] - 0.2
    rule, _ = choose_rule([found.scores(rows, REACH) for rows in logits], validation)
    assert (rule.windows, rule.thresholds) == (found.windows, found.thresholds)
    assert rule.reel_thresholds[1] is None
    ensemble = Ensemble((found.temperature,), rule, REACH)
    (one, *_), (valid, *_) = validation.recordings, validation.valid
    scores = ensemble.scores(logits[0][None])
    assert not scores[:, 1].any() and scores[:, 0].any()
    spots = ensemble.spots(scores, valid, KINDS, one.recording.halves, RATE)
    assert {spot.kind for spot in spots} == {KINDS[0], KINDS[2]}
    assert SpotRule.of(rule.payload()) == rule


def test_a_kind_without_a_validation_event_has_what_is_best_for_the_others() -> None:
    logits, validation = made_validation(labelled_kinds=KINDS[:2])
    found, _ = choose_rule(logits_as_scores(logits), validation)
    # Kind 0 alone decides for all: kind 1 is found as well with every window.
    assert found.windows == (10, 1, 10)
    assert min(found.thresholds[:2]) <= found.thresholds[2] <= max(found.thresholds[:2])
    assert found.thresholds[2] > 0.05
    with pytest.raises(ValueError, match="no kind has an event in both"):
        choose_rule(logits, made_validation((False, True, True), KINDS[:1])[1])


def logits_as_scores(logits: list[np.ndarray]) -> list[np.ndarray]:
    return [Calibration(1.0, (), ()).scores(rows, REACH) for rows in logits]


def network(validation: Validation, score: float, false_score: float, which: int) -> list:
    """Logits with one score at all events, and another at every second decoy: a wrong goal."""
    found = []
    for one in validation.recordings:
        rows = np.full((one.recording.steps, len(KINDS)), -9.0)
        moments = [(e.seconds, e.kind, score) for e in one.recording.events]
        moments += [(seconds, 0, false_score) for seconds in one.recording.others[which::2]]
        for seconds, kind, value in moments:
            step = round(seconds * RATE)
            rows[max(step - REACH, 0) : step + REACH + 1, kind] = np.log(value / (1 - value))
        found.append(rows)
    return found


def test_an_ensemble_is_chosen_on_the_mean_of_the_scores_it_finds_spots_in() -> None:
    """Two networks are wrong at different places, so a lower threshold is right for both together.

    A network's own threshold lies between its scores of events and of decoys: 0.85, and 0.575. In
    the mean of both, events have 0.75 and decoys at most 0.4.
    """
    _, validation = made_validation()
    networks = network(validation, 0.9, 0.8, 0), network(validation, 0.6, 0.55, 1)
    single = [choose_rule(logits_as_scores(of), validation)[0].thresholds[0] for of in networks]
    assert single == pytest.approx([0.85, 0.575], abs=0.02)
    pairs = list(zip(*networks, strict=True))
    mean = [sum(logits_as_scores(list(pair))) / 2 for pair in pairs]
    rule, score = choose_rule(mean, validation)
    assert rule.thresholds[0] == pytest.approx(0.575, abs=0.03)
    assert rule.thresholds[0] < np.mean(single) - 0.1
    ensemble = Ensemble((1.0, 1.0), rule, REACH)
    scores = [ensemble.scores(np.stack(pair)) for pair in pairs]
    np.testing.assert_allclose(scores[0], mean[0], atol=1e-6)
    assert choose_rule(scores, validation)[1] == pytest.approx(score, abs=1e-6)
    with pytest.raises(ValueError, match="argument"):
        ensemble.scores(np.stack(pairs[0][:1]))


def test_a_reel_rather_shows_too_much_than_too_little() -> None:
    """Half of the goals have lower scores than decoys: F1 leaves them out, a reel does not."""
    _, validation = made_validation()
    rows = network(validation, 0.9, 0.5, 0)
    for one, scores in zip(validation.recordings[:2], rows[:2], strict=True):
        for event in [event for event in one.recording.events if event.kind == 0]:
            step = round(event.seconds * RATE)
            scores[max(step - REACH, 0) : step + REACH + 1, 0] = np.log(0.3 / 0.7)
    rule, _ = choose_rule(logits_as_scores(rows), validation)
    assert 0.5 < rule.thresholds[0] < 0.9
    assert rule.reel_thresholds[0] < 0.3
    for lenient, strict in zip(rule.reel_thresholds, rule.thresholds, strict=True):
        assert lenient <= strict


def test_each_half_of_a_file_has_its_own_suppression() -> None:
    """Two peaks 2 s apart, in two halves of one file: whichever is better keeps neither away."""
    logits = np.full((1, 400, 1), -9.0)
    logits[0, 195, 0], logits[0, 205, 0] = 6, 4
    ensemble = Ensemble((1.0,), SpotRule((20.0,), (0.1,), (0.1,)), 0)
    halves = (HalfStart(1, 0.0), HalfStart(2, 40.0))
    valid = np.ones(400, bool)
    scores = ensemble.scores(logits)
    found = ensemble.spots(scores, valid, ["Goal"], halves, RATE)
    best = {half: max(s for s in found if s.half == half) for half in (1, 2)}
    assert {half: spot.milliseconds for half, spot in best.items()} == {1: 39_000, 2: 1_000}
    assert unpack_spots(pack_spots(found, ["Goal"]), ["Goal"]) == found
    assert unpack_spots(pack_spots([], ["Goal"]), ["Goal"]) == []
