"""Splits: made once, stratified by class, by source group, and kept when the data set grows."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from unmuted.dataset.videos import SPLITS, Video, raise_problems
from unmuted.digests import digest_bytes
from unmuted.errors import UserError
from unmuted.files import read_bytes
from unmuted.text import cell, uncell

FIRST_SERVED = ("train", "test", "val")  # a class with two groups is trained on and tested
FEWEST_TEST_GROUPS = 2  # intervals draw whole groups
GROUPS_HEADER = "group,split"  # before the digest of the rows


def make_splits(
    videos: Iterable[Video],
    shares: Mapping[str, float],
    seed: int,
    kept: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the split of every labelled video, by id.

    A manifest's own splits are taken as they are. Otherwise whole groups are dealt out, class by
    class in an order hashed from the seed, each to the split that is furthest below its share, to
    test before val (shares: train, val, test, summing to 1). kept: earlier groups with their
    splits, which do not move. Raises UserError when a split stays empty.
    """
    labelled = [video for video in videos if video.label is not None]
    given = {video.video_id: video.split for video in labelled if video.split is not None}
    if len(given) == len(labelled):
        return given
    sizes = Counter(video.group for video in labelled)
    split_of_group = {group: split for group, split in (kept or {}).items() if group in sizes}
    for groups in groups_by_class(labelled).values():
        split_of_group |= deal_groups(groups, sizes, shares, seed, split_of_group)
    empty = [split for split in SPLITS if split not in split_of_group.values()]
    if empty:
        raise UserError(
            f"the labelled videos have too few source groups ({len(sizes)}) for three splits: "
            f"{', '.join(empty)} would be empty. Add videos, or give a split column in a manifest."
        )
    return {video.video_id: split_of_group[video.group] for video in labelled}


def deal_groups(
    groups: Set[str],
    sizes: Mapping[str, int],
    shares: Mapping[str, float],
    seed: int,
    kept: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the split of every group of one class, in an order hashed from the seed.

    Each goes to the split that is furthest below its share. sizes: videos of each group. shares: of
    the splits, summing to 1. kept: splits of groups that do not move.
    """
    served = [split for split in FIRST_SERVED if split in shares]
    split_of = {group: split for group, split in (kept or {}).items() if group in groups}
    counts = Counter(dict.fromkeys(served, 0))
    for group, split in split_of.items():
        counts[split] += sizes[group]
    for group in sorted(groups - split_of.keys(), key=lambda group: group_order(seed, group)):
        total = counts.total() + sizes[group]
        lacking = {s: round(shares[s] * total - counts[s], 9) for s in served}
        split = max(served, key=lacking.__getitem__)
        split_of[group] = split
        counts[split] += sizes[group]
    return split_of


def check_classes(videos: Iterable[Video], splits: Mapping[str, str]) -> None:
    """Raise UserError naming the classes without a training video.

    Made splits can leave one: a group of several classes goes where its largest class needs it.
    """
    untrained = classes_without("train", videos, splits)
    raise_problems(
        [f"class {label!r} has no training video" for label in untrained], "labels and splits"
    )


def classes_without(split: str, videos: Iterable[Video], splits: Mapping[str, str]) -> list[str]:
    """Return the classes that have no video in this split, in alphabetical order."""
    labels = {video.label for video in videos if video.label is not None}
    present = {video.label for video in videos if splits.get(video.video_id) == split}
    return sorted(labels - present)


def check_groups(videos: Iterable[Video], splits: Mapping[str, str], folds: int) -> None:
    """Raise UserError unless training has a source group a fold, and testing has two at least."""
    groups: dict[str, set[str]] = {split: set() for split in SPLITS}
    for video in videos:
        if video.video_id in splits:
            groups[splits[video.video_id]].add(video.group)
    raise_problems(group_problems(len(groups["train"]), len(groups["test"]), folds), "splits")


def group_problems(training: int, test: int, folds: int) -> list[str]:
    """Return what is wrong with these numbers of source groups, in words."""
    problems = []
    if training < folds:
        problems.append(
            f"{folds} folds need at least {folds} source groups of training videos, found "
            f"{training}: add videos from other sources, or lower `folds` in the configuration"
        )
    if test < FEWEST_TEST_GROUPS:
        problems.append(
            f"intervals need test videos of at least {FEWEST_TEST_GROUPS} source groups, found "
            f"{test}: add test videos from other sources"
        )
    return problems


class DamagedSplits(UserError):
    """A table of splits that is not the one that was written."""


def read_splits(path: Path) -> dict[str, str]:
    """Return the split by video id, from a table that `write_splits` made.

    Raises DamagedSplits for a table that cannot be one.
    """
    return _read_column(path, _lines(path, read_bytes(path)), "video_id")


def read_groups(path: Path) -> dict[str, str]:
    """Return the split by source group, from a table that `write_groups` or `write_splits` made.

    Raises DamagedSplits for a table that cannot be one. That of `write_groups` names the digest of
    its rows; earlier ones do not.
    """
    data = read_bytes(path)
    first, _, rest = data.partition(b"\n")
    header, _, digest = first.decode("utf-8", "replace").rpartition(",")
    if header == GROUPS_HEADER:
        if digest != digest_bytes(rest):
            raise DamagedSplits(f"{path}: its rows are not those that were written")
        data = f"{header}\n".encode() + rest
    return _read_column(path, _lines(path, data), "group")


def _lines(path: Path, data: bytes) -> list[str]:
    try:
        *lines, last = data.decode("utf-8").split("\n")
    except ValueError as error:
        raise DamagedSplits(f"{path}: {error}") from error
    if last or not lines:
        raise DamagedSplits(f"{path}: expected a table, found a last line without an end")
    return lines


def _read_column(path: Path, lines: list[str], column: str) -> dict[str, str]:
    """Return the split by a column; rows with the same value must agree."""
    splits: dict[str, str] = {}
    for row in csv.DictReader(lines, strict=True):
        name, split = uncell(row.get(column) or ""), row.get("split")
        is_whole = None not in row and None not in row.values()
        if not is_whole or not name or split not in SPLITS or splits.get(name, split) != split:
            raise DamagedSplits(f"{path}: expected a {column} and its split, found {str(row)[:80]}")
        splits[name] = split
    return splits


def write_groups(path: Path, split_of_group: Mapping[str, str]) -> None:
    """Write group and split, for `read_groups`."""
    text = io.StringIO(newline="")
    rows = [(cell(group), split) for group, split in sorted(split_of_group.items())]
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    path.write_bytes(f"{GROUPS_HEADER},{digest_bytes(data)}\n".encode() + data)


def write_splits(path: Path, videos: Iterable[Video], splits: Mapping[str, str]) -> None:
    """Write video_id, label, group and split of every labelled video, safe to open (`cell`)."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video_id", "label", "group", "split"])
        for video in videos:
            if video.video_id in splits:
                named = (video.video_id, video.label or "", video.group)
                writer.writerow([*map(cell, named), splits[video.video_id]])


def groups_by_class(videos: Iterable[Video]) -> dict[str, set[str]]:
    """Return the groups of each class; a group counts under its most frequent class."""
    labels: dict[str, Counter[str]] = {}
    for video in videos:
        if video.label is not None:
            labels.setdefault(video.group, Counter())[video.label] += 1
    classes: dict[str, set[str]] = {}
    for group, counts in labels.items():
        label = min(counts, key=lambda label: (-counts[label], label))
        classes.setdefault(label, set()).add(group)
    return dict(sorted(classes.items()))


def group_order(seed: int, group: str) -> bytes:
    """Return by what the groups are sorted before they are dealt."""
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()
