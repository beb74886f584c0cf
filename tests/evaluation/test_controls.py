"""Controls: an alarm where one wins, ok where it is shown not to, and what is undecided."""

from __future__ import annotations

import numpy as np
import pytest

from acceptance.plants import with_leak, without_information
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.evaluation.controls import alarms, control_pairs, control_status, family_of, is_judged
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    EvaluationClips,
    contrasts,
    correctness,
    measure_arms,
)
from unmuted.evaluation.table import format_report

SEEDS, CLASSES, MARGIN = 5, 4, 0.05


def judged(difference: np.ndarray, trial: int = 0, margin: float = MARGIN) -> dict:
    """The status of a control with this difference, (S, N), to the arm that it must not beat."""
    draws = draw_groups([f"g{n:04d}" for n in range(difference.shape[1])], 300, trial, seeds=SEEDS)
    found = contrasts({"a": (difference, 0 * difference)}, draws, None, {"a": "control"})["a"]
    return control_status(found, difference, draws, margin)


def retrained(rng: np.random.Generator, clips: int, gain: float = 0.0) -> np.ndarray:
    """The difference of two trainings that are right about different clips, (S, N)."""
    of_clip = rng.choice([-1, 0, 1], size=clips, p=[0.06, 0.88, 0.06])
    flips = rng.choice([-1, 0, 1], size=(SEEDS, clips), p=[0.05, 0.9, 0.05])
    gains = rng.random(clips) < gain
    return np.clip(of_clip + flips + gains, -1, 1).astype(float)


def statuses(clips: int, gain: float, trials: int = 150) -> list[str]:
    rng = np.random.default_rng(0)
    return [judged(retrained(rng, clips, gain), trial)["status"] for trial in range(trials)]


def test_a_control_that_gains_nothing_is_ok_where_there_are_enough_clips() -> None:
    found = statuses(800, 0.0, trials=60)
    assert found.count("ok") >= 0.9 * len(found)
    assert found.count("ALARM") <= 0.06 * len(found)


def test_a_leak_of_8_points_is_an_alarm() -> None:
    found = statuses(600, 0.08, trials=60)
    assert found.count("ALARM") >= 0.95 * len(found) and "ok" not in found


def test_with_few_clips_neither_is_shown_and_it_is_said_how_many_are_needed() -> None:
    found = statuses(50, 0.0)
    assert found.count("undecided") >= 0.8 * len(found)
    rng = np.random.default_rng(1)
    needed = [judged(retrained(rng, 100), trial)["clips_needed"] for trial in range(60)]
    typical = int(np.median([one for one in needed if one is not None]))
    assert 200 < typical < 800
    assert 0.65 <= statuses(typical, 0.0, trials=60).count("ok") / 60 <= 0.92  # 4 times in 5


def test_where_seeds_differ_more_than_the_margin_no_number_of_clips_decides() -> None:
    of_seed = np.array([[-1, 1, -1, 1, -1]]).T * (np.random.default_rng(2).random(200) < 0.2)
    found = judged(of_seed.astype(float))
    assert found == {"margin": MARGIN, "status": "undecided", "clips_needed": None}


def test_a_control_that_wins_by_less_than_the_margin_still_wins() -> None:
    difference = np.tile((np.arange(1000) % 50 == 0).astype(float), (SEEDS, 1))
    assert judged(difference)["status"] == "ALARM"
    assert judged(-difference)["status"] == "ok"


def test_the_margin_decides() -> None:
    difference = retrained(np.random.default_rng(3), 300)
    assert judged(difference, margin=0.2)["status"] == "ok"
    assert judged(difference, margin=0.001)["status"] == "undecided"


def test_three_groups_raise_no_alarm() -> None:
    assert judged(np.ones((SEEDS, 3)))["status"] == "undecided"


def test_families_follow_the_roles() -> None:
    roles = {
        "generated": "arm",
        "random_features": "control",
        "generated_null": "control",
        "random_filter": "control",
        "oracle_filter": "leaks",
        "real_audio": "arm",
    }
    pairs = {
        ("generated", "video_only"): "hypothesis",
        ("filtered", "random_filter"): "hypothesis",
        ("generated", "generated_null"): "hypothesis",
        ("random_features", "video_only"): "control",
        ("random_filter", "video_only"): "control",
        ("generated_null", "video_only"): "control",
        ("real_audio", "video_only"): "ceiling",
        ("oracle_filter", "filtered"): "ceiling",
        ("filtered", "real_audio"): "ceiling",
    }
    assert {pair: family_of(pair, roles, False) for pair in pairs} == pairs
    assert family_of(("generated", "video_only"), roles, True) == "primary"
    # A filter that keeps audio at random may win where generated audio helps.
    assert not is_judged(("random_filter", "video_only"), "control")
    assert is_judged(("random_features", "video_only"), "control")
    assert control_pairs(roles) == [
        ("random_features", "video_only"),
        ("generated_null", "video_only"),
        ("random_filter", "video_only"),
    ]


@pytest.fixture
def measured() -> dict:
    """A report with a control that leaks, and one that does not."""
    rng, clips = np.random.default_rng(4), 240
    labels = np.arange(clips) % CLASSES
    video = rng.random((SEEDS, clips)) < 0.5
    right = {
        "generated": video ^ (rng.random((SEEDS, clips)) < 0.02),
        "video_only": video,
        "random_features": video ^ (rng.random((SEEDS, clips)) < 0.02),
        "swapped_audio": video | (np.arange(clips) % 6 == 0),
    }
    words = {"train": "x", "test": "y"}

    def outcome(hits: np.ndarray) -> ArmOutcome:
        said = np.where(hits, labels, (labels + 1) % CLASSES)
        return ArmOutcome(np.float32(np.eye(CLASSES)[said]), words, [1] * SEEDS)

    draws = draw_groups([f"g{n // 2}" for n in range(clips)], 500, 0, SEEDS, labels)
    roles = dict.fromkeys(right, "arm") | {"random_features": "control", "swapped_audio": "control"}
    return measure_arms(
        {name: outcome(hits) for name, hits in right.items()},
        EvaluationClips(labels, np.ones(clips, bool), draws),
        [("generated", "video_only")],
        roles,
        MARGIN,
    )


def test_the_report_and_its_table_raise_the_alarm(measured: dict) -> None:
    found = measured["contrasts"]
    assert found["random_features-video_only"]["control"]["status"] == "ok"
    assert alarms(found) == ["swapped_audio-video_only"]
    assert "control" not in found["generated-video_only"]
    report = {
        "system": "pilot",
        "data": {"classes": ["a"], "train": 1, "val": 1, "test": 1, "excluded": {}},
        "provenance": {"seeds": [0, 1, 2, 3, 4]},
        **measured,
    }
    text = format_report(report)
    words = " ".join(text.split())
    assert "ALARM: the control swapped audio is better than video only by" in words
    lines = {line.split()[0]: line for line in text.splitlines() if "-video_only" in line}
    assert lines["swapped_audio-video_only"].endswith("ALARM")
    assert lines["random_features-video_only"].endswith("ok")
    assert "control, margin 5 points" in text


def test_without_an_alarm_none_is_printed(measured: dict) -> None:
    quiet = {n: pair for n, pair in measured["contrasts"].items() if "swapped" not in n}
    assert alarms(quiet) == []


# --- planted defects ------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.03, 0.08])
def test_a_planted_leak_wins_what_it_is_told_to(gain: float) -> None:
    rng, labels = np.random.default_rng(5), np.arange(300) % CLASSES
    probabilities = np.float32(rng.dirichlet(np.ones(CLASSES), size=(SEEDS, 300)))
    arm = ArmOutcome(probabilities, {"train": "x", "test": "y"}, [1] * SEEDS)
    leaking = with_leak(arm, labels, gain)
    before, after = (correctness(one, labels) for one in (arm, leaking))
    assert (after >= before).all()
    assert (after - before).mean() == pytest.approx(gain, abs=1 / 300)
    np.testing.assert_allclose(leaking.probabilities.sum(axis=2), 1, rtol=1e-5)
    assert (arm.probabilities == probabilities).all()


def test_a_planted_dictionary_without_information_is_right_by_chance() -> None:
    rng, labels = np.random.default_rng(6), np.arange(2000) % CLASSES
    similarity = rng.normal(size=(2000, SEEDS, CLASSES)) + 2 * np.eye(CLASSES)[labels][:, None]
    planted = without_information(similarity)
    np.testing.assert_array_equal(np.sort(planted, axis=2), np.sort(similarity, axis=2))
    right = [(s.argmax(axis=2) == labels[:, None]).mean() for s in (similarity, planted)]
    assert right[0] > 0.7 and right[1] == pytest.approx(1 / CLASSES, abs=0.03)
