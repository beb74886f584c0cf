"""The plan of the demo's world: splits, groups, held-out combinations, seeds, statuses."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.demo_world.plan import PURPOSE_BITS, PURPOSES, ClipSpec, plan_world
from unmuted.demo_world.vocabulary import BACKGROUNDS, CLASSES, COLOURS, OBJECTS, SCENES, caption
from unmuted.errors import UserError
from unmuted.features.audioset import load_labels

SEEDS = st.integers(0, 2**40)


def default_world(seed: int = 7) -> list[ClipSpec]:
    return plan_world(None, 30, seed, 3.0)


def combination(spec: ClipSpec) -> tuple[str, str, str]:
    return spec.object, spec.colour, spec.background


@given(seed=SEEDS, few=st.integers(1, 30), more=st.integers(0, 30))
def test_more_clips_keep_the_earlier_ones(seed: int, few: int, more: int) -> None:
    small, large = plan_world(None, few, seed, 3.0), plan_world(None, few + more, seed, 3.0)
    large_of = defaultdict(list)
    for spec in large:
        large_of[spec.label].append(spec)
    assert small == [spec for each in large_of.values() for spec in each[:few]]


@given(seed=SEEDS)
def test_a_group_lies_in_one_split_and_shows_one_place(seed: int) -> None:
    groups = defaultdict(list)
    for spec in default_world(seed):
        groups[spec.group].append(spec)
    for members in groups.values():
        assert len({(s.split, s.label, s.scene_seed, combination(s)) for s in members}) == 1
        assert len({s.seed for s in members}) == len(members) <= 3


@given(seed=SEEDS)
def test_held_out_combinations_are_never_trained_on(seed: int) -> None:
    shown = defaultdict(set)
    for spec in default_world(seed):
        shown[spec.split].add(combination(spec))
    for one, other in combinations(("train", "val", "test"), 2):
        assert not shown[one] & shown[other]


def test_whatever_is_held_out_has_parts_that_were_trained_on() -> None:
    world = plan_world(None, 400, 7, 3.0)
    trained = [combination(spec) for spec in world if spec.split == "train"]
    for position, values in enumerate((OBJECTS, COLOURS, BACKGROUNDS)):
        assert {each[position] for each in trained} == set(values)
    for one, other in combinations(range(3), 2):
        pairs = {(each[one], each[other]) for each in trained}
        for spec in world:
            assert (combination(spec)[one], combination(spec)[other]) in pairs


@given(seed=SEEDS)
def test_classes_that_look_alike_show_the_same_combinations(seed: int) -> None:
    shown = defaultdict(list)
    for spec in plan_world(None, 12, seed, 3.0):
        shown[spec.label, spec.split].append(combination(spec))
    for one, other in combinations(CLASSES, 2):
        if one.scene == other.scene:
            for split in ("train", "val", "test"):
                few = min(len(set(shown[label.name, split])) for label in (one, other))
                first, second = (
                    list(dict.fromkeys(shown[label.name, split]))[:few] for label in (one, other)
                )
                assert first == second


@given(seeds=st.tuples(SEEDS, SEEDS))
def test_purposes_share_no_seed_whatever_the_worlds_seeds(seeds: tuple[int, int]) -> None:
    marks = {}
    for purpose in PURPOSES:
        world = [s for seed in seeds for s in plan_world(None, 6, seed, 3.0, purpose=purpose)]
        every = {spec.seed for spec in world} | {spec.scene_seed for spec in world}
        marks[purpose] = {seed % 2**PURPOSE_BITS for seed in every}
    assert marks == {purpose: {mark} for purpose, mark in PURPOSES.items()}
    assert len(set(PURPOSES.values())) == len(PURPOSES) <= 2**PURPOSE_BITS


def test_default_world_has_what_the_demo_needs() -> None:
    world = default_world()
    assert len(CLASSES) == 10 and len(world) == 300
    assert min(Counter(spec.label for spec in world).values()) == 30
    assert set(Counter(spec.fps for spec in world)) == {"24", "25", "30000/1001", "30"}
    splits = Counter(spec.split for spec in world)
    assert splits["train"] > 160 and splits["val"] >= 30 and 60 <= splits["test"] <= 80
    for label in {spec.label for spec in world}:
        assert {s.split for s in world if s.label == label} == {"train", "val", "test"}


def test_missing_sound_is_spread_over_classes_and_splits() -> None:
    world = default_world()
    statuses = Counter(spec.audio for spec in world)
    assert statuses["no_stream"] / 300 == pytest.approx(0.08, abs=0.02)
    assert statuses["silent"] / 300 == pytest.approx(0.06, abs=0.02)
    for label in {spec.label for spec in world}:
        missing = [s for s in world if s.label == label and s.audio != "ok"]
        assert 2 <= len(missing) <= 7
    for split, least in (("train", 0.05), ("val", 0.05), ("test", 0.05)):
        mine = [s for s in world if s.split == split]
        assert least < sum(s.audio != "ok" for s in mine) / len(mine) < 0.25


def test_names_do_not_betray_the_class() -> None:
    world = default_world()
    assert len({spec.video_id for spec in world}) == len(world)
    words = {word for action in CLASSES for word in action.name.split()} | set(OBJECTS)
    for spec in world:
        assert spec.video_id.startswith("clip_") and spec.group.startswith("source_")
        assert not any(word in spec.video_id or word in spec.group for word in words)
    by_name = sorted(world, key=lambda spec: spec.video_id)
    neighbours = sum(a.label == b.label for a, b in pairwise(by_name))
    assert neighbours < 0.2 * len(world)


def test_vocabulary_is_consistent() -> None:
    known = set(load_labels())
    own = [action.audio_labels[0] for action in CLASSES]
    assert len(set(own)) == len(CLASSES)
    assert all(set(action.audio_labels) <= known for action in CLASSES)
    assert Counter(action.scene for action in CLASSES).most_common(1)[0][1] == 2
    assert set(SCENES) == {action.scene for action in CLASSES}
    heard = {"drum", "bell", "engine", "whistle", "water", "coin", "coins", "keys", "maraca"}
    for scene in SCENES.values():
        for object_ in scene.objects:
            words = caption(scene.name, object_, "red", "brick wall", shows_sign=True).split()
            assert not heard & set(words)


def test_a_caption_names_the_sign_that_a_clip_shows() -> None:
    """A sign belongs to the scenes whose second class may show one, and to no other."""
    signed = {action.scene for action in CLASSES if action.cue}
    assert {scene.name for scene in SCENES.values() if scene.sign} == signed
    plain = caption("strike", "box", "red", "brick wall")
    shown = caption("strike", "box", "red", "brick wall", shows_sign=True)
    assert "brass plate" in shown and shown.replace(" with a brass plate", "") == plain


@pytest.mark.parametrize("wrong", [{"classes": 1}, {"classes": 11}, {"clips_per_class": 0}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, int]) -> None:
    settings = {"classes": None, "clips_per_class": 6, "seed": 1, "seconds": 3.0} | wrong
    with pytest.raises(UserError, match="demo world"):
        plan_world(**settings)


def test_plan_is_light(repository) -> None:
    """The Snakefile plans the world at every parse: only the standard library, and fast."""
    code = (
        "import sys, time; import unmuted.demo_world.plan as plan; start = time.perf_counter();"
        "plan.plan_world(None, 40, 1, 3.0); took = time.perf_counter() - start;"
        "heavy = {'numpy', 'torch', 'cv2', 'scipy', 'pandas'} & set(sys.modules);"
        "print(sorted(heavy), took < 0.2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=repository / "workflow" / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[]", "True"]
