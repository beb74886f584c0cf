"""The videos of a run: ids, paths, labels, splits and groups, from a folder or a manifest."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unmuted.dataset.alike import alike_problems
from unmuted.digests import digest_bytes
from unmuted.errors import UserError
from unmuted.text import cell, printable

SPLITS = ("train", "val", "test")
VIDEO_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}")
STRADDLING = "sources_straddle"  # a column of manifests
NO_LINE = "not one printable line of at most 200 characters"


@dataclass(frozen=True)
class Video:
    """One row of the dataset.

    video_id: safe as a file name, unique without regard to case. path: the file, None for a clip
    that the demo makes. root: folder the path may not leave. label: class, None when unknown.
    split: train, val or test where the manifest says so. group: source that must not straddle
    splits. extra: further columns of the manifest, kept as they are. unit: of videos that one job
    must work on together, such as the halves of a match; None for a video on its own. planned: the
    stamp of the file for which the run was planned, without the path; only its jobs know it.
    targets: what is to be found within the video, as a JSON value, where that is no class.
    """

    video_id: str
    path: Path | None
    label: str | None
    split: str | None
    group: str
    root: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    planned: Sequence[Any] | None = field(default=None, compare=False)
    targets: Any = None

    @property
    def file(self) -> Path:
        """The path of the file; raises ValueError for a video without a file."""
        if self.path is None:
            raise ValueError(f"the video {self.video_id} has no file here")
        return self.path

    def stamp(self) -> list[object]:
        """Return path, size, modification time (ns) and readability; in a job the planned ones.

        They differ when the file may have changed.

        The path inside the root, and not the time of change: where a dataset or a working directory
        is moved or copied as a whole, nothing has changed.
        """
        path, root = os.fspath(self.file), os.path.join(self.root or "", "")
        inside = os.fsencode(path.removeprefix(root)).hex()
        return [inside, *(self.status() if self.planned is None else self.planned)]

    def status(self) -> list[object]:
        """Return size, modification time (ns) and readability of the file as it is now."""
        try:
            status = os.stat(self.file)
        except OSError as error:
            return [type(error).__name__, 0, False]
        return [status.st_size, status.st_mtime_ns, os.access(self.file, os.R_OK)]


@dataclass(frozen=True)
class Dataset:
    """Videos sorted by id, and the files of the folder that were not taken for videos.

    notes: what a person should know who plans a run of them. unlabelled_because: why no video has
    a label, in words. specifications: of a generated dataset, what each video is made from: JSON
    values by id. has_targets: whether what is to be found are the `targets` of the videos, not
    their labels; a label then only says that the targets are known.
    videos_per_shard: how many of its videos one job works on, on average.
    """

    videos: tuple[Video, ...]
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unlabelled_because: str = ""
    specifications: Mapping[str, Any] | None = None
    has_targets: bool = False
    videos_per_shard: int = 128

    @property
    def units(self) -> dict[str, str]:
        """The units of the videos that are not on their own, by id."""
        return {video.video_id: video.unit for video in self.videos if video.unit is not None}

    @property
    def classes(self) -> list[str]:
        """Labels in alphabetical order."""
        return sorted({video.label for video in self.videos if video.label is not None})


def straddling_sources(videos: Iterable[Video]) -> str | None:
    """Return the flag of published splits whose sources straddle them; None for none.

    `import_avsbench.py` writes it into the column `sources_straddle` of every video.
    """
    found = {video.extra.get(STRADDLING, "") for video in videos} - {""}
    return "; ".join(sorted(found)) or None


def is_video_id(text: str) -> bool:
    """Return whether `text` can name files in results/ without another meaning there."""
    is_safe = VIDEO_ID.fullmatch(text) is not None and ".." not in text
    return is_safe and not text.endswith(".ledger.csv")


def video_id_from_name(stem: str) -> str:
    """Return the stem if every file system takes it, else a slug with a digest of the stem."""
    if is_video_id(stem):
        return stem
    ascii_text = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_text).strip("-")[:60]
    return f"{slug or 'video'}-{digest_bytes(os.fsencode(stem))[:10]}"


def missing_labels(dataset: Dataset) -> str:
    """Return why there is nothing to learn from and to measure; empty where there are labels.

    Labels may contradict each other all the same, see `check_experiment`.
    """
    because = f" ({dataset.unlabelled_because})" if dataset.unlabelled_because else ""
    if dataset.has_targets:
        found = any(video.label is not None for video in dataset.videos)
        return "" if found else f"expected videos whose targets are known, found none{because}"
    if len(dataset.classes) >= 2:
        return ""
    classes = f"only {dataset.classes[0]!r}" if dataset.classes else f"none{because}"
    return (
        f"expected at least two classes among the labelled videos, found {classes}; labels are "
        "the folders in videos.folder, the manifest's column `label` (videos.columns.label), "
        "or in the names of UCF101's files"
    )


def check_experiment(dataset: Dataset) -> None:
    """Raise UserError unless there are two classes and the splits that were given are sound.

    Of a dataset with targets one labelled video is enough.
    """
    labelled = [video for video in dataset.videos if video.label is not None]
    if problem := missing_labels(dataset):
        raise UserError(problem)
    given = [video for video in labelled if video.split is not None]
    problems = _units_in_several_groups(labelled)
    if not given:
        raise_problems(problems, "units and groups")
        return
    if len(given) < len(labelled):
        missing = next(video.video_id for video in labelled if video.split is None)
        problems.append(
            f"{len(labelled) - len(given)} labelled videos have no split (first: {missing}); "
            "give all of them one, or none"
        )
    problems += [
        f"the split {split!r} is empty; every experiment needs train, val and test, or videos "
        "without any split, for which splits are made"
        for split in SPLITS
        if not any(video.split == split for video in given)
    ]
    splits_of_group: dict[str, set[str]] = {}
    for video in labelled:
        if video.split is not None:
            splits_of_group.setdefault(video.group, set()).add(video.split)
    problems += [
        f"group {group!r} straddles the splits {', '.join(sorted(splits))}; "
        "one source belongs in one split"
        for group, splits in sorted(splits_of_group.items())
        if len(splits) > 1
    ]
    raise_problems(problems, "labels and splits")


def _units_in_several_groups(videos: Iterable[Video]) -> list[str]:
    """Say which units have videos of several groups, which splits would tear apart."""
    groups_of_unit: dict[str, set[str]] = {}
    for video in videos:
        if video.unit is not None:
            groups_of_unit.setdefault(video.unit, set()).add(video.group)
    return [
        f"unit {unit!r} has videos of the groups {', '.join(sorted(groups))}; "
        "the videos of one unit are of one source"
        for unit, groups in sorted(groups_of_unit.items())
        if len(groups) > 1
    ]


def write_table(path: Path, dataset: Dataset) -> None:
    """Write the dataset as CSV: our columns first, then the manifest's further columns.

    There is a column `unit` where some video has one. Texts are as `cell` makes them safe to open.
    """
    extra = sorted({key for video in dataset.videos for key in video.extra})
    units = ["unit"] if dataset.units else []
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = ["video_id", "label", "split", "group", "path", *units, *extra]
        writer.writerow(map(cell, columns))
        for video in dataset.videos:
            where = printable(video.path) if video.path else ""
            row = [video.video_id, video.label or "", video.split or "", video.group, where]
            row += [video.unit or "" for _ in units]
            row += [video.extra.get(key, "") for key in extra]
            writer.writerow(map(cell, row))


def is_line(text: str) -> bool:
    """Return whether tables and the terminal can show a label or a group."""
    return text.isprintable() and len(text) <= 200


def checked_dataset(videos: Sequence[Video], source: str, ignored: Iterable[str] = ()) -> Dataset:
    """Return the dataset of these videos.

    Raises UserError for two videos of one id (also where only case differs: some file systems
    ignore it), for labels that are spelled alike, and for units that could be confused.
    """
    first: dict[str, Video] = {}
    problems = []
    for video in videos:
        twin = first.setdefault(video.video_id.casefold(), video)
        if twin is not video:
            problems.append(
                f"{printable(twin.file)} and {printable(video.file)} both have the video id "
                f"{video.video_id!r}; rename one, or give ids in a manifest's video_id column"
            )
    labels = {video.label for video in videos if video.label is not None}
    problems += alike_problems("labels", labels)
    problems += _confusable_units(videos)
    raise_problems(problems, source)
    return Dataset(tuple(sorted(videos, key=lambda video: video.video_id)), tuple(ignored))


def _confusable_units(videos: Sequence[Video]) -> list[str]:
    """Say which units could be taken for another unit, or for a video, as names of folders."""
    problems = []
    known: dict[str, str] = {}
    units = {video.unit for video in videos if video.unit is not None}
    for unit in sorted(units):
        other = known.setdefault(unit.casefold(), unit)
        if other != unit:
            problems.append(f"the units {other!r} and {unit!r} differ only in case; rename one")
    problems += [
        f"the unit {known[video.video_id.casefold()]!r} has the name of the video "
        f"{video.video_id!r}, which is not part of it; rename one"
        for video in videos
        if video.video_id.casefold() in known and video.unit != known[video.video_id.casefold()]
    ]
    return problems


def raise_problems(problems: Sequence[str], source: str) -> None:
    """Raise UserError naming the source and listing the problems, if there are any."""
    if problems:
        # A field of a foreign table may be long.
        short = (one if len(one) <= 600 else f"{one[:400]}…{one[-199:]}" for one in problems[:20])
        shown = "\n".join(f"  - {problem}" for problem in short)
        more = f"\n  ... and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UserError(f"{source}: {len(problems)} problem(s):\n{shown}{more}")
