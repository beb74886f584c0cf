"""Whether the dictionary knows the actions, where it is known whether it does."""

from __future__ import annotations

import numpy as np
import pytest

from acceptance.plants import without_information
from unmuted.evaluation.bootstrap import draw_groups
from unmuted.systems.arch1.dictionary_validity import judge_validity

CLIPS, ACTIONS = 120, 4
LABELS = np.arange(CLIPS) % ACTIONS
BOOTSTRAP = draw_groups([f"g{n // 2}" for n in range(CLIPS)], 500, 0, 2, LABELS)
WITH_AUDIO = np.flatnonzero(np.arange(CLIPS) % 5 > 0)
TRUE = LABELS[WITH_AUDIO]


def statuses(strength: float, planted: bool) -> list[str]:
    """The status of dictionaries that know the actions this well, or whose knowledge is removed."""
    rng, found = np.random.default_rng(0), []
    for trial in range(150):
        similarity = rng.normal(size=(CLIPS, ACTIONS)) + strength * np.eye(ACTIONS)[LABELS]
        if planted:
            similarity = without_information(similarity, trial)
        guessed = similarity.argmax(axis=1)[WITH_AUDIO]
        found.append(judge_validity(guessed, TRUE, WITH_AUDIO, BOOTSTRAP)["status"])
    return found


def test_a_dictionary_that_knows_the_actions_is_ok() -> None:
    assert statuses(1.0, planted=False).count("ok") == 150


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_planted_dictionary_without_information_is_an_alarm(strength: float) -> None:
    assert statuses(strength, planted=True).count("ALARM") >= 0.94 * 150


@pytest.mark.parametrize("action", range(ACTIONS))
def test_one_answer_for_all_clips_is_an_alarm_though_most_clips_show_it(action: int) -> None:
    clips = WITH_AUDIO[(action == TRUE) | (np.arange(len(TRUE)) % 8 == 0)]
    guessed = np.full(len(clips), action)
    found = judge_validity(guessed, LABELS[clips], clips, BOOTSTRAP)
    assert found["chance"] == pytest.approx((LABELS[clips] == action).mean())
    assert found["ci95"][0] > 1 / ACTIONS
    assert found["above_chance_ci95"] == pytest.approx([0, 0], abs=1e-9)
    assert found["status"] == "ALARM"


def test_clips_without_sound_have_no_part_in_it() -> None:
    found = judge_validity(TRUE, TRUE, WITH_AUDIO, BOOTSTRAP)
    assert found["ci95"] == pytest.approx([1, 1])
    assert found["chance"] == pytest.approx(1 / ACTIONS)
    nothing = judge_validity(TRUE[:0], TRUE[:0], [], BOOTSTRAP)
    assert set(nothing.values()) == {None}
