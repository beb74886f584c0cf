"""Folds: whole groups, balanced classes, independent of order, steady when clips are added."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from unmuted.errors import UserError
from unmuted.samples.folds import assign_folds, check_out_of_fold
from unmuted.training.order import hash_keys

CLIPS = st.lists(
    st.tuples(st.integers(0, 30).map("source{}".format), st.sampled_from(["clap", "drum", "pour"])),
    min_size=1,
    max_size=80,
)


@settings(max_examples=100, deadline=None)
@given(clips=CLIPS, k=st.integers(2, 5), seed=st.integers(0, 99))
def test_every_clip_gets_a_fold_and_groups_stay_whole(
    clips: list[tuple[str, str]], k: int, seed: int
) -> None:
    groups, labels = [c[0] for c in clips], [c[1] for c in clips]
    if len(set(groups)) < k:
        with pytest.raises(UserError, match=f"{k} folds need at least {k} source groups"):
            assign_folds(groups, labels, k, seed)
        return
    folds = assign_folds(groups, labels, k, seed)
    assert set(folds) <= set(range(k))
    for group in set(groups):
        assert len({int(f) for g, f in zip(groups, folds, strict=True) if g == group}) == 1


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(1, 25), min_size=2, max_size=6), k=st.integers(2, 5))
def test_single_clip_groups_are_balanced_to_one_clip(counts: list[int], k: int) -> None:
    labels = [f"class{c}" for c, count in enumerate(counts) for _ in range(count)]
    groups = [f"source{i}" for i in range(len(labels))]
    assume(len(groups) >= k)
    folds = assign_folds(groups, labels, k, 0)
    for label in set(labels):
        sizes = np.bincount(
            [f for f, own in zip(folds, labels, strict=True) if own == label], minlength=k
        )
        assert sizes.max() - sizes.min() <= 1
    whole = np.bincount(folds, minlength=k)
    assert whole.max() - whole.min() <= 1


def test_the_order_of_the_clips_does_not_matter() -> None:
    groups = [f"source{i // 3}" for i in range(90)]
    labels = [f"class{i // 3 % 5}" for i in range(90)]
    folds = assign_folds(groups, labels, 3, 0)
    order = np.random.default_rng(0).permutation(90)
    moved = assign_folds([groups[i] for i in order], [labels[i] for i in order], 3, 0)
    np.testing.assert_array_equal(folds[order], moved)


def test_another_seed_gives_other_folds() -> None:
    groups = [f"source{i}" for i in range(60)]
    assert (assign_folds(groups, ["a"] * 60, 3, 0) != assign_folds(groups, ["a"] * 60, 3, 1)).any()


def test_a_new_clip_moves_few_of_the_others() -> None:
    groups = [f"source{i}" for i in range(120)]
    labels = [f"class{i % 4}" for i in range(120)]
    before = assign_folds(groups, labels, 3, 0)
    moved = []
    for new in range(20):
        after = assign_folds([*groups, f"new{new}"], [*labels, "class1"], 3, 0)
        moved.append((before != after[:-1]).mean())
    assert np.mean(moved) < 0.1


def test_large_groups_are_spread() -> None:
    groups = [f"source{i // 10}" for i in range(60)] + [f"single{i}" for i in range(6)]
    folds = assign_folds(groups, ["a"] * 66, 3, 0)
    assert Counter(folds.tolist()) == {0: 22, 1: 22, 2: 22}


STATE = {"fitted_on": hash_keys(["a", "b"]), "fitted_groups": hash_keys(["g1", "g2"])}


def test_a_model_may_serve_clips_it_has_not_seen() -> None:
    check_out_of_fold(STATE, ["c"], ["g3"])


@pytest.mark.parametrize(("key", "group"), [("a", "g9"), ("c", "g1")])
def test_a_model_is_refused_for_its_own_clips_and_their_sources(key: str, group: str) -> None:
    with pytest.raises(UserError, match=rf"out of fold.*1 of these clips.*{key} \(group {group}\)"):
        check_out_of_fold(STATE, [key, "z"], [group, "gz"])
