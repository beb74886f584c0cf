"""Sound permuted across source groups: every sound once, and never that of the own group."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from unmuted.samples.experiment import Clip
from unmuted.samples.permuted_sound import derange_groups, permute_sound
from unmuted.samples.sample import Sample

GROUPS = st.lists(st.integers(0, 12), min_size=2, max_size=60).filter(lambda g: len(set(g)) > 1)


def clip(number: int, group: int, has_sound: bool = True) -> Clip:
    artifacts = {"vit_rgb": SimpleNamespace(name=f"picture {number}")}
    if has_sound:
        artifacts["ast"] = SimpleNamespace(name=f"sound {number}")
    sample = Sample.of_video(f"clip {number}", "x")
    return Clip(sample, "train", f"group {group}", f"key {number}", artifacts)


@given(groups=GROUPS)
def test_no_clip_gets_sound_of_its_own_source_group(groups: list[int]) -> None:
    names = [str(group) for group in groups]
    partners = derange_groups([f"key {i}" for i in range(len(names))], names)
    given_to = [partner for partner in partners if partner is not None]
    assert len(set(given_to)) == len(given_to)
    for i, partner in enumerate(partners):
        assert partner is None or names[partner] != names[i]
    largest = max(Counter(names).values())
    left_out = max(0, 2 * largest - len(names))
    assert partners.count(None) == left_out
    assert left_out or sorted(given_to) == list(range(len(names)))


@given(groups=GROUPS, seed=st.integers(0, 100))
def test_the_order_and_the_names_do_not_matter(groups: list[int], seed: int) -> None:
    keys = [f"key {i}" for i in range(len(groups))]
    partners = derange_groups(keys, [str(group) for group in groups])
    order = np.random.default_rng(seed).permutation(len(groups))
    moved = derange_groups([keys[i] for i in order], [f"other {groups[i]}" for i in order])
    found = {
        keys[order[i]]: None if partner is None else keys[order[partner]]
        for i, partner in enumerate(moved)
    }
    assert found == {
        keys[i]: None if partner is None else keys[partner] for i, partner in enumerate(partners)
    }


def test_clips_keep_their_pictures_and_sounds_change_hands() -> None:
    clips = [clip(i, i // 2, has_sound=i % 5 != 4) for i in range(20)]
    permuted = permute_sound(clips)
    assert [c.key for c in permuted] == [c.key for c in clips]
    assert all(
        a.artifacts["vit_rgb"] is b.artifacts["vit_rgb"]
        for a, b in zip(clips, permuted, strict=True)
    )
    sounds = [[c.artifacts["ast"].name for c in of if c.has_sound] for of in (clips, permuted)]
    assert sorted(sounds[0]) == sorted(sounds[1])
    group_of = {c.artifacts["ast"].name: c.group for c in clips if c.has_sound}
    for before, after in zip(clips, permuted, strict=True):
        assert before.has_sound == after.has_sound
        assert not after.has_sound or group_of[after.artifacts["ast"].name] != after.group
    assert permute_sound([]) == []


def test_sounds_of_a_single_source_change_hands_clip_by_clip() -> None:
    partners = derange_groups(["a", "b", "c"], ["one"] * 3)
    assert sorted(partners) == [0, 1, 2] and all(i != p for i, p in enumerate(partners))
    assert derange_groups(["a"], ["one"]) == [0]
