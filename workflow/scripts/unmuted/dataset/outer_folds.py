"""Outer folds: every labelled video is tested once, by models that know nothing of its source.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from unmuted.dataset.splits import deal_groups, group_order, groups_by_class
from unmuted.dataset.videos import Video


def splits_of_fold(
    videos: Iterable[Video], shares: Mapping[str, float], seed: int, folds: int, fold: int
) -> dict[str, str]:
    """Return the split of every labelled video, by id, where an outer fold is tested.

    Whole source groups are dealt to the folds, class by class, in an order hashed from the seed;
    splits that a manifest gives play no part. The groups of the fold are tested. The others are
    trained and validated on, in the ratio of the shares, stratified in the same way.

    Args:
        videos: those without a label are left out.
        shares: of "train" and "val"; only their ratio counts.
        seed: of the order.
        folds: at least two.
        fold: from 0 to folds - 1.
    """
    labelled = [video for video in videos if video.label is not None]
    sizes = Counter(video.group for video in labelled)
    by_class = groups_by_class(labelled)
    fold_of = _deal_to_folds(by_class.values(), sizes, seed, folds)
    split_of = {group: "test" for group, number in fold_of.items() if number == fold}
    total = shares["train"] + shares["val"]
    for groups in by_class.values():
        rest = groups - split_of.keys()
        ratio = {split: shares[split] / total for split in ("train", "val")}
        split_of |= deal_groups(rest, sizes, ratio, seed)
    return {video.video_id: split_of[video.group] for video in labelled}


def _deal_to_folds(
    classes: Iterable[Collection[str]], sizes: Mapping[str, int], seed: int, folds: int
) -> dict[str, int]:
    """Return the fold of every group: each goes where its class has the fewest videos so far."""
    fold_of: dict[str, int] = {}
    videos_in = [0] * folds
    for groups in classes:
        of_class = [0] * folds
        for group in sorted(groups, key=lambda group: group_order(seed, group)):
            fold = min(range(folds), key=lambda fold: (of_class[fold], videos_in[fold], fold))
            fold_of[group] = fold
            of_class[fold] += sizes[group]
            videos_in[fold] += sizes[group]
    return fold_of
