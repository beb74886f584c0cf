"""Splits: stratified, groups whole, kept as the data set grows, whatever the order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.dataset.splits import (
    DamagedSplits,
    check_classes,
    check_groups,
    classes_without,
    make_splits,
    read_groups,
    read_splits,
    write_groups,
    write_splits,
)
from unmuted.dataset.videos import SPLITS, Video
from unmuted.errors import UserError

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def video(name: str, label: str | None, group: str | None = None, split: str | None = None):
    return Video(name, Path(f"{name}.mp4"), label, split, group or name)


@st.composite
def data_sets(draw) -> list[Video]:
    """Enough single clips for three splits, and groups of several clips and classes."""
    videos = [video(f"{label}{i}", label) for label in "ab" for i in range(4)]
    for i in range(draw(st.integers(0, 30))):
        group = draw(st.sampled_from([None, "g1", "g2", "g3"]))
        videos.append(video(f"x{i}", draw(st.sampled_from(["a", "b", "c", None])), group))
    return videos


def groups_of(videos: list[Video], splits: dict[str, str]) -> dict[str, str]:
    return {v.group: splits[v.video_id] for v in videos if v.video_id in splits}


@given(data_sets(), st.integers(0, 3))
def test_labelled_clips_get_a_split_and_groups_never_straddle(videos, seed) -> None:
    splits = make_splits(videos, SHARES, seed)
    assert splits.keys() == {v.video_id for v in videos if v.label is not None}
    assert set(splits.values()) == set(SPLITS)
    for v in videos:
        if v.label is not None:
            assert splits[v.video_id] == groups_of(videos, splits)[v.group]


@given(data_sets(), st.randoms())
def test_the_order_of_the_videos_does_not_count(videos, random) -> None:
    shuffled = videos.copy()
    random.shuffle(shuffled)
    assert make_splits(shuffled, SHARES, 0) == make_splits(videos, SHARES, 0)


@given(data_sets(), data_sets())
def test_adding_clips_moves_no_earlier_clip(earlier, more) -> None:
    first = make_splits(earlier, SHARES, 0)
    added = [video(f"new-{v.video_id}", v.label, v.group) for v in more]
    later = make_splits([*earlier, *added], SHARES, 0, groups_of(earlier, first))
    assert {name: later[name] for name in first} == first


@given(st.integers(0, 50))
def test_every_class_is_split_by_the_shares(seed: int) -> None:
    videos = [video(f"{label}{i}", label) for label in "abc" for i in range(20)]
    splits = make_splits(videos, SHARES, seed)
    for label in "abc":
        counts = Counter(splits[f"{label}{i}"] for i in range(20))
        assert counts == {"train": 12, "val": 4, "test": 4}


@given(st.integers(0, 50))
def test_a_class_with_two_sources_is_trained_on_and_tested(seed: int) -> None:
    videos = [video(f"a{i}", "a") for i in range(10)] + [video("b0", "b"), video("b1", "b")]
    splits = make_splits(videos, SHARES | {"test": 1 - 0.6 - 0.2}, seed)
    assert {splits["b0"], splits["b1"]} == {"train", "test"}
    assert classes_without("test", videos, splits) == []
    assert classes_without("val", videos, splits) == ["b"]


def test_classes_that_grow_stay_near_their_shares() -> None:
    videos = [video(f"a{i}", "a") for i in range(10)]
    splits = make_splits(videos, SHARES, 0)
    more = [*videos, *(video(f"z{i}", "a") for i in range(10))]
    grown = make_splits(more, SHARES, 0, groups_of(videos, splits))
    assert Counter(grown.values()) == {"train": 12, "val": 4, "test": 4}


def test_the_seed_decides_who_goes_where() -> None:
    videos = [video(f"a{i}", "a") for i in range(40)]
    assert make_splits(videos, SHARES, 0) != make_splits(videos, SHARES, 1)


def test_names_alone_do_not_sort_clips_into_splits() -> None:
    """Were groups dealt out in the order of their names, the first ones would all be training."""
    splits = make_splits([video(f"{i:03d}", "a") for i in range(100)], SHARES, 0)
    first = Counter(splits[f"{i:03d}"] for i in range(50))
    assert all(first[split] >= 3 for split in SPLITS)


def test_given_splits_are_taken_as_they_are() -> None:
    videos = [video(f"a{i}", "a", split=split) for i, split in enumerate(SPLITS)]
    videos.append(video("plain", None))
    assert make_splits(videos, SHARES, 0) == {"a0": "train", "a1": "val", "a2": "test"}


def test_too_few_groups_are_refused_in_words() -> None:
    videos = [video("a1", "a", "one"), video("a2", "a", "one"), video("b1", "b", "two")]
    with pytest.raises(UserError, match=r"too few source groups \(2\) for three splits: .* empty"):
        make_splits(videos, SHARES, 0)


def test_a_class_that_is_never_trained_on() -> None:
    given = {"a": "train", "b": "val", "c": "test"}
    videos = [video("a", "x"), video("b", "x"), video("c", "y"), video("u", None)]
    with pytest.raises(UserError, match="class 'y' has no training video"):
        check_classes(videos, given)
    check_classes([*videos, video("d", "y")], given | {"d": "train"})


def test_a_class_that_lives_in_a_group_of_another_is_missed_where_that_is_not_trained_on() -> None:
    """The group counts under its largest class, and lands in test."""
    for seed in range(40):
        videos = [video(f"{label}{i}", label) for label in "ab" for i in range(10)]
        videos += [video("rare", "c", "a0"), video("more", "a", "a0"), video("most", "a", "a0")]
        splits = make_splits(videos, SHARES, seed)
        if splits["rare"] == "train":
            check_classes(videos, splits)
        else:
            with pytest.raises(UserError, match="class 'c' has no training video"):
                check_classes(videos, splits)


@pytest.mark.parametrize(
    ("training", "test", "expected"),
    [
        (5, 2, None),
        (4, 2, "5 folds need at least 5 source groups of training videos, found 4"),
        (5, 1, "test videos of at least 2 source groups, found 1"),
    ],
)
def test_too_few_sources_to_fit_and_to_test(training: int, test: int, expected: str | None) -> None:
    videos = [video(f"t{i}", "x") for i in range(training)]
    videos += [video(f"twin{i}", "x", "t0") for i in range(9)]
    splits = {v.video_id: "train" for v in videos}
    tests = [video(f"u{i}", "x", f"u{i % test}") for i in range(9)]
    splits |= {v.video_id: "test" for v in tests}
    if expected is None:
        check_groups([*videos, *tests], splits, folds=5)
    else:
        with pytest.raises(UserError, match=expected):
            check_groups([*videos, *tests], splits, folds=5)


def test_a_table_reads_back(tmp_path: Path) -> None:
    videos = [
        video("a1", 'dog, "barking"', "one"),
        video("a2", "dog", "one"),
        video("b", "cat"),
        video("u", None),
    ]
    splits = {"a1": "train", "a2": "train", "b": "val"}
    write_splits(tmp_path / "splits.csv", videos, splits)
    assert read_splits(tmp_path / "splits.csv") == splits
    assert read_groups(tmp_path / "splits.csv") == {"one": "train", "b": "val"}


def test_kept_splits_that_lost_rows_are_damage(tmp_path: Path) -> None:
    """Else their groups would be dealt out anew."""
    path = tmp_path / "kept.csv"
    groups = {"a": "train", "b, c": "val", "d": "test"}
    write_groups(path, groups)
    assert read_groups(path) == groups
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole[:-cut])
        with pytest.raises(DamagedSplits, match=r"kept\.csv"):
            read_groups(path)
    path.write_bytes(whole.replace(b"val", b"tes"))
    with pytest.raises(DamagedSplits):
        read_groups(path)


def test_kept_splits_of_an_earlier_version_are_read(tmp_path: Path) -> None:
    path = tmp_path / "kept.csv"
    path.write_text("group,split\na,train\nb,test\n")
    assert read_groups(path) == {"a": "train", "b": "test"}
    path.write_text("group,split\na,train\nb,tes\n")
    with pytest.raises(DamagedSplits, match="expected a group and its split"):
        read_groups(path)
