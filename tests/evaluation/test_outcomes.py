"""Words that follow p-values, recovery on clips with sound, losses: where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from unmuted.evaluation.bootstrap import draw_groups, interval
from unmuted.evaluation.metrics import brier_scores, log_losses
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    EvaluationClips,
    arm_contrasts,
    arm_metrics,
    ceiling,
    contrasts,
    recovery,
    statistics,
)
from unmuted.evaluation.significance import verdict

SEEDS, CLASSES = 5, 4


def names(groups: int, clips: int = 3) -> list[str]:
    return [f"g{n:03d}" for n in range(groups) for _ in range(clips)]


def luck(rng: np.random.Generator, groups: int, clips: int = 3) -> np.ndarray:
    """The difference of two arms that are alike, (S, N), correlated in groups and over seeds."""
    shared, of_seed = (
        rng.choice([-1, 0, 1], size=size, p=[0.3, 0.4, 0.3]) for size in (groups, (SEEDS, groups))
    )
    luck = np.where(rng.random((SEEDS, groups)) < 0.2, of_seed, shared)
    return np.repeat(luck, clips, axis=1).astype(float)


def outcome(right: np.ndarray, labels: np.ndarray, sure: float = 0.7) -> ArmOutcome:
    """An arm whose classifiers are right about these clips, (S, N)."""
    said = np.where(right, labels, (labels + 1) % CLASSES)
    rest = (1 - sure) / (CLASSES - 1)
    probabilities = np.where(np.eye(CLASSES, dtype=bool)[said], sure, rest)
    return ArmOutcome(np.float32(probabilities), {"train": "x", "test": "y"}, [1] * SEEDS)


# --- words ----------------------------------------------------------------------------------------


def test_with_three_groups_nothing_is_ever_better_though_intervals_say_so() -> None:
    rng = np.random.default_rng(0)
    intervals_without_0 = 0
    for trial in range(200):
        sides = np.repeat(rng.choice([-1.0, 1.0], size=3), 3)  # each group takes one at random
        difference = sides * (rng.random((SEEDS, 9)) < 0.8)
        draws = draw_groups(names(3), 300, trial, seeds=SEEDS)
        found = contrasts({"a": (difference, 0 * difference)}, draws, "a")["a"]
        low, high = found["ci95"]
        intervals_without_0 += not low <= 0 <= high
        assert found["verdict"] == "cannot be shown with 3 groups"
    assert intervals_without_0 > 20  # of which the words would have been "better" and "worse"


@pytest.mark.parametrize("groups", [12, 40])
def test_arms_that_are_alike_are_called_different_in_5_percent_at_most(groups: int) -> None:
    rng, said = np.random.default_rng(1), []
    for trial in range(300):
        difference = luck(rng, groups)
        draws = draw_groups(names(groups), 300, trial, seeds=SEEDS)
        said.append(contrasts({"a": (difference, 0 * difference)}, draws, "a")["a"]["verdict"])
    assert set(said) <= {"no difference shown", "better", "worse"}
    assert np.mean([words != "no difference shown" for words in said]) <= 0.07


def test_words_follow_the_adjusted_p_and_not_the_interval() -> None:
    """Of ten differences alike, each alone would be shown; together they must pass Holm."""
    rng, draws = np.random.default_rng(2), draw_groups(names(24, 1), 2000, 0, seeds=SEEDS)
    pairs, seen = {}, set()
    for name in range(10):
        gain = (rng.random((SEEDS, 24)) < 0.25).astype(float) - (rng.random((SEEDS, 24)) < 0.09)
        pairs[name] = (gain, 0 * gain)
    for found in contrasts(pairs, draws).values():
        low, high = found["ci95"]
        is_shown = found["p_adjusted"] < 0.05
        expected = ("better" if found["delta"] > 0 else "worse") if is_shown else None
        assert found["verdict"] == (expected or "no difference shown")
        seen.add((is_shown, low > 0 or high < 0))
    assert (False, True) in seen  # an interval without 0, and yet nothing is shown


def test_what_a_family_of_this_size_could_never_show_is_said() -> None:
    """Seven groups allow p = 1/64: enough alone and in a family of three, not in one of four."""
    gain = np.ones((SEEDS, 7))
    draws = draw_groups(names(7, 1), 2000, 0, seeds=SEEDS)
    alone = contrasts({"a": (gain, 0 * gain)}, draws, "a")["a"]
    assert (alone["p"], alone["verdict"]) == (1 / 64, "better")
    for size, words in ((3, "better"), (4, "cannot be shown with 7 groups")):
        found = contrasts(dict.fromkeys(range(size), (gain, 0 * gain)), draws)
        assert {one["verdict"] for one in found.values()} == {words}
        assert {one["level"] for one in found.values()} == {0.05 / size}


def test_five_groups_can_show_nothing_and_too_few_resamples_neither() -> None:
    assert verdict(1, 0.01, draw_groups(names(5), 2000, 0)) == "cannot be shown with 5 groups"
    assert verdict(1, 0.01, draw_groups(names(6), 2000, 0)) == "better"
    assert verdict(-1, 0.01, draw_groups(names(6), 2000, 0)) == "worse"
    few = draw_groups(names(60), 100, 0)
    assert verdict(1, 0.01, few, 0.01) == "cannot be shown with 100 resamples"


def test_the_detectable_effect_is_that_of_the_family_and_is_found_in_it() -> None:
    """At the level of a family of 10, an effect of this size passes four times in five."""
    rng, found = np.random.default_rng(3), 0
    effect = (2.807 + 0.842) / np.sqrt(200)  # normal quantiles of 0.05 / 10 and of 80 %
    noise = rng.normal(size=(1, 200))
    draws = draw_groups(names(200, 1), 2000, 0)
    reported = contrasts(dict.fromkeys(range(10), (noise, 0 * noise)), draws)[0]
    assert reported["level"] == 0.005
    assert reported["smallest_detectable"] == pytest.approx(effect * noise.std(), rel=0.05)
    for _ in range(1000):
        values = rng.normal(size=200) + effect
        found += values.mean() / values.std(ddof=1) * np.sqrt(200) > 2.838  # t of 199, 0.005
    assert 0.76 <= found / 1000 <= 0.84


def test_controls_and_ceilings_cost_the_hypotheses_nothing() -> None:
    rng, draws = np.random.default_rng(4), draw_groups(names(30), 400, 0, seeds=SEEDS)
    pairs = {name: tuple((rng.random((2, SEEDS, 90)) < 0.5) * 1.0) for name in "abcde"}
    families = {"c": "control", "d": "ceiling"}
    found = contrasts(pairs, draws, "a", families)
    alone = contrasts({name: pairs[name] for name in "be"}, draws)
    assert {name: found[name] for name in "be"} == alone
    for name in "acd":
        assert found[name]["p_adjusted"] == found[name]["p"]
        assert found[name]["level"] == 0.05


# --- clips with sound -----------------------------------------------------------------------------


def by_sound(groups: int = 30) -> tuple[EvaluationClips, np.random.Generator]:
    rng, clips = np.random.default_rng(5), 2 * groups
    draws = draw_groups(names(groups, 2), 1000, 0, seeds=SEEDS)
    return EvaluationClips(rng.integers(CLASSES, size=clips), rng.random(clips) < 0.7, draws), rng


def test_equal_arms_on_clips_with_sound_recover_all_of_it() -> None:
    """Whatever they do on the other clips, where real audio is no ceiling."""
    clips, rng = by_sound()
    video, real = (rng.random((SEEDS, 60)) < chance for chance in (0.3, 0.9))
    generated = np.where(clips.usable, real, rng.random((SEEDS, 60)) < 0.1)
    arms = {
        name: outcome(right, clips.labels)
        for name, right in (("video_only", video), ("generated", generated), ("real_audio", real))
    }
    found = recovery(arms, "generated", clips)
    assert found == {"clips": int(clips.usable.sum()), "value": 1, "ci95": [1, 1]}
    assert generated.mean() < real.mean() - 0.1  # over all clips it would recover much less


def test_recovery_agrees_with_its_definition_on_clips_with_sound() -> None:
    clips, rng = by_sound()
    right = {
        name: rng.random((SEEDS, 60)) < chance
        for name, chance in (("video_only", 0.3), ("generated", 0.5), ("real_audio", 0.9))
    }
    arms = {name: outcome(of_arm, clips.labels) for name, of_arm in right.items()}
    video, generated, real = (of_arm[:, clips.usable].mean() for of_arm in right.values())
    found = recovery(arms, "generated", clips)
    assert found["value"] == pytest.approx((generated - video) / (real - video))
    low, high = found["ci95"]
    assert low < found["value"] < high


def test_without_sound_there_is_nothing_to_recover() -> None:
    clips, rng = by_sound()
    silent = EvaluationClips(clips.labels, np.zeros(60, bool), clips.bootstrap)
    arms = {
        name: outcome(rng.random((SEEDS, 60)) < 0.5, clips.labels)
        for name in ("video_only", "generated", "real_audio")
    }
    assert recovery(arms, "generated", silent) == "undefined"
    assert ceiling(arms, silent)["with_sound"] == {"clips": 0, "gain": None}


def test_the_ceiling_and_the_accuracy_of_clips_with_and_without_sound_stand_apart() -> None:
    clips, rng = by_sound()
    video = rng.random((SEEDS, 60)) < 0.4
    real = np.where(clips.usable, True, video)  # on silent clips no better than video
    arms = {"video_only": outcome(video, clips.labels), "real_audio": outcome(real, clips.labels)}
    found = ceiling(arms, clips)
    gain = 1 - video[:, clips.usable].mean()
    assert found["with_sound"]["gain"]["delta"] == pytest.approx(gain)
    assert found["without_sound"] == {
        "clips": int((~clips.usable).sum()),
        "gain": {"delta": 0, "ci95": [0, 0]},
    }
    apart = arm_metrics(arms["real_audio"], clips)["by_sound"]
    assert apart["with_sound"]["accuracy"]["mean"] == 1
    expected = video[:, ~clips.usable].mean()
    assert apart["without_sound"]["accuracy"]["mean"] == pytest.approx(expected)
    assert sum(group["clips"] for group in apart.values()) == 60


# --- losses ---------------------------------------------------------------------------------------


def test_losses_are_contrasted_by_clip_and_have_no_part_in_the_family() -> None:
    clips, rng = by_sound()
    right = rng.random((SEEDS, 60)) < 0.6
    arms = {
        "video_only": outcome(right, clips.labels, 0.5),
        "generated": outcome(right, clips.labels, 0.7),  # as often right, and surer of it
        "real_audio": outcome(right | (rng.random((SEEDS, 60)) < 0.5), clips.labels, 0.7),
    }
    pairs = [("generated", "video_only"), ("real_audio", "video_only")]
    found = arm_contrasts(arms, clips, pairs, pairs[0], {})
    one = found["generated-video_only"]
    assert one["delta"] == 0 and one["verdict"] == "no difference shown"
    for name, loss in (("brier", brier_scores), ("log_loss", log_losses)):
        first, second = (loss(clips.labels, arms[arm].probabilities) for arm in pairs[0])
        assert one[name]["delta"] == pytest.approx((first - second).mean())
        expected = interval(clips.bootstrap.means(first - second))
        assert one[name]["ci95"] == pytest.approx(list(expected))
        assert "p" not in one[name]
    assert found["real_audio-video_only"]["brier"]["ci95"][1] < 0  # better: less of a loss


def test_the_report_says_what_is_secondary_and_what_no_interval_holds() -> None:
    text = statistics(by_sound()[0].bootstrap, "none")
    assert "stratified by class" in text["intervals"]
    assert "secondary" in text["secondary"] and "another split" in text["not_covered"]
    assert "Verdicts follow p_adjusted" in text["tests"]
    assert text["classes_with_one_group"] == 0
