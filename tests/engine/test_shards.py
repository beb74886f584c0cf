"""Shards: a new video touches one, layouts double, and earlier homes are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.engine.shards import (
    LAYOUT,
    assign_shards,
    shard_count,
    shard_folders,
    shard_name,
    shards_of_other_layouts,
)

ids = st.lists(st.from_regex(r"[a-z0-9_-]{1,8}", fullmatch=True), unique=True, max_size=60)


@given(ids, st.integers(1, 20))
def test_every_video_has_exactly_one_shard_and_none_is_empty(videos, per_shard) -> None:
    shards = assign_shards(videos, per_shard)
    assert sorted(v for shard in shards.values() for v in shard) == sorted(videos)
    assert all(shards.values())
    assert all(shard == sorted(shard) for shard in shards.values())
    assert shards == assign_shards(videos[::-1], per_shard)


@given(ids.filter(lambda videos: len(videos) > 1), st.integers(2, 8))
def test_a_new_video_touches_one_shard_unless_the_layout_doubles(videos, per_shard) -> None:
    *earlier, new = videos
    before, after = assign_shards(earlier, per_shard), assign_shards(videos, per_shard)
    changed = {name for name in after if after[name] != before.get(name)}
    if shard_count(len(earlier), per_shard) == shard_count(len(videos), per_shard):
        (only,) = changed
        assert set(after[only]) - set(before.get(only, [])) == {new}
    else:
        assert shard_count(len(videos), per_shard) == 2 * shard_count(len(earlier), per_shard)


@pytest.mark.parametrize(
    ("videos", "per_shard", "count"),
    [(0, 4, 1), (1, 4, 1), (4, 4, 1), (5, 4, 2), (8, 4, 2), (9, 4, 4), (20_000, 64, 512)],
)
def test_counts_are_powers_of_two_that_keep_the_size(videos, per_shard, count) -> None:
    assert shard_count(videos, per_shard) == count


def test_names_are_stable_across_releases() -> None:
    """Changing the hash would move every video of every existing project."""
    assert shard_name("clip", 16) == "00011-of-00016"
    assert shard_name("动作-0a1b", 16) == "00009-of-00016"
    assert shard_name("clip", 1) == "00000-of-00001"


def test_one_video_a_shard_is_named_after_the_video() -> None:
    assert assign_shards(["b", "a"], 1) == {"a": ["a"], "b": ["b"]}


@given(st.integers(0, 2**18))
def test_every_layout_is_recognised(exponent: int) -> None:
    assert LAYOUT.fullmatch(shard_name("clip", max(1, exponent)))


def test_shards_of_other_layouts_are_the_folders_of_other_layouts_only() -> None:
    folders = [
        "clip",
        "other",
        shard_name("clip", 1),
        shard_name("clip", 4),
        f"{(int(shard_name('clip', 8)[:5]) + 1) % 8:05d}-of-00008",  # of that layout, not its home
    ]
    present = shard_name("clip", 4)
    assert shards_of_other_layouts("clip", present, folders) == ["clip", shard_name("clip", 1)]
    assert shards_of_other_layouts("clip", "clip", folders) == [shard_name("clip", 1), present]
    assert shards_of_other_layouts("unknown", present, []) == []


def test_videos_of_one_unit_lie_in_one_shard() -> None:
    videos = [f"video{i}" for i in range(40)]
    units = {video: f"match{i // 2}" for i, video in enumerate(videos[:20])}
    for per_shard in (1, 4, 100):
        shards = assign_shards(videos, per_shard, units)
        shard_of = {video: shard for shard, own in shards.items() for video in own}
        assert sorted(shard_of) == sorted(videos)
        for first, second in zip(videos[:20:2], videos[1:20:2], strict=True):
            assert shard_of[first] == shard_of[second]
        alone = assign_shards(videos, per_shard)
        for video in videos[20:]:  # units of others move no video on its own
            assert video in alone[shard_of[video]]
    assert assign_shards(videos, 1, units)["match3"] == ["video6", "video7"]
    earlier = [shard_name("match3", 4), shard_name("video6", 8), "video6"]
    assert set(shards_of_other_layouts("video6", "match3", earlier, "match3")) == set(earlier)


def test_shard_folders_lists_folders_and_no_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / ".trash-c").mkdir()
    (tmp_path / "a.ledger.csv").touch()
    assert shard_folders(tmp_path) == ["a", "b"]
    assert shard_folders(tmp_path / "absent") == []
