"""The ceiling of the picture and the headroom over video_only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.demo_world.plan import plan_world
from unmuted.evaluation.headroom import picture_ceiling


def test_a_sign_that_is_always_there_allows_all_and_no_sign_allows_half() -> None:
    labels = ["drum", "bell"] * 4
    always = [("strike", label == "bell") for label in labels]
    never = [("strike", False)] * 8
    assert picture_ceiling(always, labels, always, labels) == 1
    assert picture_ceiling(never, labels, never, labels) == 0.5


def test_a_sign_that_half_of_the_clips_show_leaves_the_others_to_the_more_frequent_class() -> None:
    labels = ["drum"] * 4 + ["bell"] * 4
    shown = [False] * 4 + [True, True, False, False]
    assert picture_ceiling(shown, labels, shown, labels) == 6 / 8


def test_a_test_clip_that_shows_the_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="no clip of the world"):
        picture_ceiling(["strike"], ["drum"], ["pour"], ["coins"])


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), min_size=1, max_size=40))
def test_no_rule_on_what_is_visible_is_better(clips: list[tuple[int, str]]) -> None:
    shown, labels = zip(*clips, strict=True)
    ceiling = picture_ceiling(shown, labels, shown, labels)
    best = sum(
        max(sum((s, c) == (seen, label) for s, c in clips) for label in "abc")
        for seen in set(shown)
    )
    assert ceiling == pytest.approx(best / len(clips))


@pytest.mark.parametrize(("kind", "least", "most"), [("plain", 0.6, 0.72), ("cued", 0.99, 1.0)])
def test_the_demo_leaves_room_and_the_plain_world_does_not(
    kind: str, least: float, most: float
) -> None:
    world = plan_world(8, 60, 7, 3.0, kind=kind)
    shown = [(spec.scene, spec.cue) for spec in world]
    labels = [spec.label for spec in world]
    test = [i for i, spec in enumerate(world) if spec.split == "test"]
    ceiling = picture_ceiling(shown, labels, [shown[i] for i in test], [labels[i] for i in test])
    assert least < ceiling <= most
