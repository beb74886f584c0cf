"""Outer folds: every labelled video is tested once, and its source is never trained on then."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.dataset.outer_folds import splits_of_fold
from unmuted.dataset.videos import SPLITS, Video

SHARES = {"train": 0.6, "val": 0.2}


def video(number: int, label: str | None, group: str, split: str | None = None) -> Video:
    return Video(f"v{number:03d}", None, label, split, group)


def corpus(sizes: list[int], classes: int) -> list[Video]:
    """Groups of these sizes, each of one class, in turn."""
    groups = [g for g, size in enumerate(sizes) for _ in range(size)]
    return [video(i, f"class{g % classes}", f"group{g}") for i, g in enumerate(groups)]


def all_folds(videos: list[Video], folds: int, seed: int = 0) -> list[dict[str, str]]:
    return [splits_of_fold(videos, SHARES, seed, folds, fold) for fold in range(folds)]


@given(
    st.lists(st.integers(1, 4), min_size=6, max_size=60),
    st.integers(1, 4),
    st.integers(2, 6),
    st.integers(0, 5),
)
def test_every_video_is_tested_once_and_no_source_straddles(
    sizes: list[int], classes: int, folds: int, seed: int
) -> None:
    videos = corpus(sizes, classes)
    made = all_folds(videos, folds, seed)
    tested = Counter(name for splits in made for name, s in splits.items() if s == "test")
    assert tested == Counter(one.video_id for one in videos)
    for splits in made:
        assert splits.keys() == tested.keys()
        by_group: dict[str, set[str]] = {}
        for one in videos:
            by_group.setdefault(one.group, set()).add(splits[one.video_id])
        assert all(len(found) == 1 for found in by_group.values())


def test_classes_are_spread_evenly_over_folds_and_splits() -> None:
    videos = corpus([1] * 240, 8)
    for splits in all_folds(videos, 3):
        counts = Counter((one.label, splits[one.video_id]) for one in videos)
        for label in {one.label for one in videos}:
            assert counts[label, "test"] == 10
            assert (counts[label, "train"], counts[label, "val"]) == (15, 5)


def test_a_class_of_two_sources_is_trained_on_wherever_it_is_tested() -> None:
    videos = corpus([3, 2, 1, 4], 2)
    for splits in all_folds(videos, 2):
        for label in ("class0", "class1"):
            found = {splits[one.video_id] for one in videos if one.label == label}
            assert found == {"train", "test"}


def test_given_splits_and_videos_without_a_label_play_no_part() -> None:
    videos = corpus([1] * 24, 2)
    given_splits = [video(i, one.label, one.group, SPLITS[i % 3]) for i, one in enumerate(videos)]
    unlabelled = video(900, None, "group0")
    assert all_folds([*given_splits, unlabelled], 3) == all_folds(videos, 3)


def test_the_order_of_the_videos_does_not_matter_and_the_seed_does() -> None:
    videos = corpus([1, 2] * 20, 3)
    assert all_folds(videos, 3) == all_folds(videos[::-1], 3)
    assert all_folds(videos, 3) != all_folds(videos, 3, seed=1)


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_have_about_the_same_size(folds: int) -> None:
    made = all_folds(corpus([2] * 50, 4), folds)
    sizes = [sum(split == "test" for split in splits.values()) for splits in made]
    assert max(sizes) - min(sizes) <= 2 * 4
