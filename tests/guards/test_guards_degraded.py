"""Degraded sound, at its two ends: with nothing lost it is the clip's own, with all lost none."""

from __future__ import annotations

import numpy as np

from guards.world import World
from unmuted.systems.comparison.chosen_arms import REAL_OR

PREDICTED = "comparison_predictions"
WHOLE, SCRATCHED, NONE, NOISY = range(4)  # levels of the world's degraded sound


def classes(probabilities: list) -> list[int]:
    """The most probable class of each seed."""
    return np.argmax(probabilities, axis=1).tolist()


def said(world: World, *splits: str) -> list[dict]:
    found = world.artifacts(PREDICTED)
    return [found[name].json() for name in world.ids(*splits) if name in found]


def test_an_arm_hears_its_own_sound_where_none_is_lost_and_imputes_where_all_is(
    clean: World,
) -> None:
    differs = 0
    for clip in said(clean, "val", "test"):
        for arm, by_audio in clip["missing"].items() if clip["degraded"] else ():
            levels = clip["degraded"][arm.removeprefix(REAL_OR)]
            assert levels[WHOLE] == classes(by_audio["own"])
            assert levels[NONE] == classes(by_audio["missing"])
            differs += levels[SCRATCHED] != levels[WHOLE] or levels[NOISY] != levels[WHOLE]
    assert differs > 0


def test_real_audio_is_the_main_experiments(clean: World) -> None:
    main = clean.artifacts("predictions")
    found = clean.artifacts(PREDICTED)
    for name in clean.ids("test"):
        if name in found and (degraded := found[name].json()["degraded"]):
            expected = main[name].json()["arms"]["real_audio"]["probabilities"]
            assert degraded["real_audio"][WHOLE] == classes(expected)


def test_only_clips_with_sound_have_some_to_lose(clean: World) -> None:
    for clip in said(clean, "val", "test"):
        assert (clip["degraded"] is not None) == clip["has_sound"]
    assert {clip["has_sound"] for clip in said(clean, "test")} == {True, False}
    for clip in said(clean, ""):
        assert clip["degraded"] is None and clip["missing"] == {}
