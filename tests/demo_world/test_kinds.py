"""The kinds of world: what the picture may say of the sound, and who has a label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from small_project import changed
from unmuted.demo_world.kinds import KINDS
from unmuted.demo_world.motion import make_sound_timeline, make_timeline
from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.render import render_frames
from unmuted.demo_world.sound import _pitch
from unmuted.demo_world.vocabulary import CLASSES
from unmuted.engine.dataset_identity import check_identity, record_identity
from unmuted.errors import UserError
from unmuted.pipeline.datasets import dataset_identity, world_clips
from unmuted.pipeline.registry import open_run

SEEDS = st.integers(0, 2**40)


def origin_of(videos: Mapping[str, object]) -> dict[str, str]:
    """Identity of the dataset that a section `videos` names."""
    return dataset_identity({"videos": videos})


def world_of(name: str, seed: int = 7, clips: int = 60) -> list[ClipSpec]:
    return plan_world(None, clips, seed, 1.5, kind=name)


@given(seed=SEEDS, name=st.sampled_from(["positive", "negative"]))
def test_every_control_has_all_splits_of_classes_that_look_alike(seed: int, name: str) -> None:
    world = world_of(name, seed)
    scenes = Counter(action.scene for action in CLASSES if action.name in {s.label for s in world})
    assert set(scenes) == set(KINDS[name].scenes) and set(scenes.values()) == {2}
    for label in {spec.label for spec in world}:
        assert {s.split for s in world if s.label == label} >= {"train", "val", "test"}


@given(seed=SEEDS)
def test_in_the_positive_control_the_sign_is_the_class(seed: int) -> None:
    assert all(spec.cue == (spec.label == "pouring coins") for spec in world_of("positive", seed))


@given(seed=SEEDS)
def test_in_the_positive_control_few_clips_are_labelled_and_the_others_have_no_split(
    seed: int,
) -> None:
    world = world_of("positive", seed, 120)
    assert all(spec.is_labelled == (spec.split is not None) for spec in world)
    counts = Counter(spec.split for spec in world)
    assert 4 * counts["train"] < counts[None] and 2 * counts["train"] < counts["test"]


@given(seed=SEEDS)
def test_in_the_negative_control_the_sound_keeps_its_own_time_and_no_sign_shows(seed: int) -> None:
    world = world_of("negative", seed)
    assert all(spec.is_labelled and not spec.cue for spec in world)
    together = [make_timeline(spec) == make_sound_timeline(spec) for spec in world]
    assert not any(together)


def test_elsewhere_sounds_happen_when_they_are_seen() -> None:
    for spec in [*world_of("positive"), *plan_world(None, 6, 7, 3.0)]:
        assert make_timeline(spec) == make_sound_timeline(spec)


def test_in_the_negative_control_the_picture_does_not_show_the_class() -> None:
    """A clip of the other class with the same seeds: the same frames, to the last pixel."""
    other = {"striking drum": "ringing bell", "running engine": "blowing whistle"}
    other |= {value: key for key, value in other.items()}
    for spec in world_of("negative")[::50]:
        frames, _ = render_frames(spec, [0, 20])
        twin, _ = render_frames(replace(spec, label=other[spec.label]), [0, 20])
        assert np.array_equal(frames, twin)


@given(seed=SEEDS)
def test_worlds_of_one_seed_share_no_clip(seed: int) -> None:
    worlds = [world_of(name, seed, 12) for name in KINDS]
    seeds = [{spec.seed for spec in world} | {s.scene_seed for s in world} for world in worlds]
    ids = [{spec.video_id for spec in world} for world in worlds]
    for each in (seeds, ids):
        assert len(set().union(*each)) == sum(map(len, each))


def test_an_unknown_kind_is_refused_naming_those_that_exist() -> None:
    with pytest.raises(UserError, match="positive, negative"):
        world_of("neutral")


# --- the demo -------------------------------------------------------------------------------------


@given(seed=SEEDS)
def test_in_the_cued_world_the_clips_of_the_second_class_of_a_pair_show_a_sign(seed: int) -> None:
    world = world_of("cued", seed, 120)
    second = {action.name for action in CLASSES if action.cue}
    assert {spec.scene for spec in world if spec.cue} == {"strike", "pour", "run", "shake"}
    assert all(spec.label in second for spec in world if spec.cue)
    shown = [spec.cue for spec in world if spec.label in second]
    assert all(shown)


@given(seed=SEEDS)
def test_in_the_cued_world_few_clips_have_a_label_and_every_split_has_all_classes(
    seed: int,
) -> None:
    world = world_of("cued", seed, 58)
    counts = Counter(spec.split for spec in world)
    assert counts["train"] < counts["test"] and counts["train"] < counts[None]
    classes = {action.name for action in CLASSES if action.scene in KINDS["cued"].scenes}
    for split in ("train", "val", "test", None):
        assert {spec.label for spec in world if spec.split == split} == classes


@given(seed=SEEDS)
def test_in_the_cued_world_the_object_sets_the_register(seed: int) -> None:
    registers = {spec.object: spec.register for spec in world_of("cued", seed)}
    assert Counter(registers.values()) == {0: len(registers) / 2, 1: len(registers) / 2}
    assert all(spec.register is None for spec in world_of("plain", seed))


@given(seed=SEEDS, low=st.floats(20, 2000), width=st.floats(1, 2000))
def test_the_two_registers_are_the_halves_of_the_range(seed: int, low: float, width: float) -> None:
    def pitch(register: int | None) -> float:
        return _pitch(np.random.default_rng(seed), low, low + width, register)

    assert low <= pitch(1) <= low + width / 2 <= pitch(0) <= low + width
    assert pitch(None) == np.random.default_rng(seed).uniform(low, low + width)


@pytest.mark.parametrize("label", ["ringing bell", "blowing whistle", "jingling keys"])
def test_a_sign_is_seen_and_small(label: str) -> None:
    spec = next(s for s in world_of("cued") if s.label == label and s.cue)
    frames = range(0, spec.frame_count, 3)
    with_sign, _ = render_frames(spec, frames)
    without, _ = render_frames(replace(spec, cue=False), frames)
    changed_share = (with_sign != without).any(axis=-1).mean(axis=(1, 2))
    assert 0.001 < changed_share.max() < 0.03


def test_the_workflow_is_not_told_the_label_of_an_unlabelled_clip() -> None:
    config = {
        "videos": {"source": "demo", "demo": {"kind": "positive", "clips_per_class": 40}},
        "models": {role: {"path": role} for role in ("vit", "ast", "blip")},
    }
    project = open_run(config)
    for name, spec in world_clips(project.config).items():
        assert project.dataset.videos[name].label == (spec.label if spec.is_labelled else None)
        assert project.dataset.videos[name].split == spec.split
    ordinary = open_run(changed(config, "videos.demo", {}))
    assert all(video.label for video in ordinary.dataset.videos.values())


def test_results_of_another_world_are_not_taken_over(tmp_path) -> None:
    demo = {"source": "demo", "demo": {"kind": "plain"}}
    positive = {"source": "demo", "demo": {"kind": "positive"}}
    note = tmp_path / "note.json"
    record_identity(note, origin_of(demo))
    with pytest.raises(UserError, match=r"belongs to demo plain, but .* demo positive"):
        check_identity(note, origin_of(positive))
