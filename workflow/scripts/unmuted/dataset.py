"""The videos of a run: ids, paths, labels, splits and groups, from a folder or a manifest."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unmuted.errors import UserError
from unmuted.recipes import digest_bytes

SPLITS = ("train", "val", "test")
VIDEO_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}")
VIDEO_SUFFIXES = frozenset(
    [
        ".3g2",
        ".3gp",
        ".asf",
        ".avi",
        ".dv",
        ".f4v",
        ".flv",
        ".gif",
        ".h264",
        ".hevc",
        ".ivf",
        ".m1v",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".nut",
        ".obu",
        ".ogm",
        ".ogv",
        ".qt",
        ".rm",
        ".rmvb",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".wtv",
    ]
)


@dataclass(frozen=True)
class Video:
    """One row of the data set.

    video_id: safe as a file name, unique without regard to case. path: the file, None for a clip
    that the demo makes. root: folder the path may not leave. label: class, None when unknown.
    split: train, val or test where the manifest says so. group: source that must not straddle
    splits. extra: further columns of the manifest, kept as they are.
    """

    video_id: str
    path: Path | None
    label: str | None
    split: str | None
    group: str
    root: Path | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def stamp(self) -> list[object]:
        """Path, size and modification time (ns): changes whenever the file may have changed."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            return [os.fsencode(self.path).hex(), type(error).__name__, 0]
        return [os.fsencode(self.path).hex(), status.st_size, status.st_mtime_ns]


@dataclass(frozen=True)
class Dataset:
    """Videos sorted by id, and the files of the folder that were not taken for videos."""

    videos: tuple[Video, ...]
    ignored: tuple[str, ...] = ()

    @property
    def classes(self) -> list[str]:
        """Labels in alphabetical order."""
        return sorted({video.label for video in self.videos if video.label is not None})


def printable(path: str | os.PathLike[str]) -> str:
    """A path as one line of valid text: bytes that are not UTF-8 and line ends are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def video_id_from_name(stem: str) -> str:
    """The stem where it can be a file name everywhere, else a slug with a digest of the stem."""
    if VIDEO_ID.fullmatch(stem) and ".." not in stem:
        return stem
    ascii_text = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9_]+", "-", ascii_text).strip("-")[:60]
    return f"{slug or 'video'}-{digest_bytes(os.fsencode(stem))[:10]}"


def read_folder(folder: Path) -> Dataset:
    """Videos of FOLDER/<class>/...; a video directly in FOLDER has no label.

    Raises UserError when the folder is missing or holds no video.
    """
    if not folder.is_dir():
        raise UserError(
            f"videos.folder: {printable(folder)} is not a folder; give one with a folder per class"
        )
    videos, ignored = [], []
    for path in sorted(_files(folder), key=os.fsencode):
        relative = path.relative_to(folder)
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            ignored.append(printable(relative))
            continue
        label = relative.parts[0] if len(relative.parts) > 1 else None
        video_id = video_id_from_name(path.stem)
        videos.append(Video(video_id, path, label, None, video_id, root=folder))
    if not videos:
        raise UserError(
            f"videos.folder: no video file in {printable(folder)}; expected FOLDER/<class>/<video>"
        )
    return _checked(videos, f"videos.folder {printable(folder)}", ignored)


def read_manifest(manifest: Path, root: Path | None, columns: Mapping[str, str]) -> Dataset:
    """Videos of a CSV file with the columns path and, optionally, label, video_id, split, group.

    columns: names of these columns in the file. Relative paths start at `root`, by default the
    manifest's own folder. Rows without label are kept, for prediction. Raises UserError listing
    every bad row.
    """
    names = {key: columns.get(key, key) for key in ("path", "label", "video_id", "split", "group")}
    root = root or manifest.parent
    header, rows = _read_csv(manifest)
    if names["path"] not in header:
        raise UserError(
            f"{printable(manifest)}: expected a column {names['path']!r}, "
            f"found {', '.join(header)}; "
            "name your columns under videos.columns in the configuration"
        )
    for key in columns:
        if columns[key] not in header:
            raise UserError(
                f"{printable(manifest)}: videos.columns.{key} names a column {columns[key]!r} "
                "that it lacks"
            )
    videos, problems = [], []
    for line, row in enumerate(rows, start=2):
        try:
            videos.append(_video(row, names, root))
        except ValueError as error:
            problems.append(f"row {line}: {error}")
    _raise(problems, printable(manifest))
    if not videos:
        raise UserError(f"{printable(manifest)}: expected at least one row, found only the header")
    return _checked(videos, printable(manifest))


def check_experiment(dataset: Dataset) -> None:
    """Raise UserError unless labels and splits allow training, choosing and testing."""
    labelled = [video for video in dataset.videos if video.label is not None]
    if len(dataset.classes) < 2:
        found = f"only {dataset.classes[0]!r}" if dataset.classes else "none"
        raise UserError(f"expected at least two classes among the labelled videos, found {found}")
    given = [video for video in labelled if video.split is not None]
    if not given:
        return
    problems = []
    if len(given) < len(labelled):
        missing = next(video.video_id for video in labelled if video.split is None)
        problems.append(
            f"{len(labelled) - len(given)} labelled videos have no split (first: {missing}); "
            "give all of them one, or none"
        )
    for split in SPLITS:
        if not any(video.split == split for video in given):
            problems.append(
                f"the split {split!r} is empty; every experiment needs train, val and test"
            )
    unseen = set(dataset.classes) - {video.label for video in given if video.split == "train"}
    problems += [f"class {label!r} has no training video" for label in sorted(unseen)]
    homes: dict[str, set[str]] = {}
    for video in given:
        homes.setdefault(video.group, set()).add(video.split)
    problems += [
        f"group {group!r} straddles the splits {', '.join(sorted(splits))}; "
        "one source belongs in one split"
        for group, splits in sorted(homes.items())
        if len(splits) > 1
    ]
    _raise(problems, "labels and splits")


def write_table(path: Path, dataset: Dataset) -> None:
    """The data set as CSV: our columns first, the manifest's further columns behind."""
    extra = sorted({key for video in dataset.videos for key in video.extra})
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["video_id", "label", "split", "group", "path", *extra])
        for video in dataset.videos:
            where = printable(video.path) if video.path else ""
            row = [video.video_id, video.label or "", video.split or "", video.group, where]
            writer.writerow([*row, *(video.extra.get(key, "") for key in extra)])


def _files(folder: Path) -> Iterator[Path]:
    """Everything below `folder` that is not a plain folder; nothing is opened, no link followed."""
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        visible = sorted(name for name in folders if not name.startswith("."))
        # A folder with a video's name is a finding to report, not a place to look for videos.
        odd = [
            name
            for name in visible
            if here != folder and Path(name).suffix.lower() in VIDEO_SUFFIXES
        ]
        folders[:] = [
            name for name in visible if name not in odd and not (here / name).is_symlink()
        ]
        yield from (here / name for name in odd)
        yield from (
            here / name
            for name in files
            if not (name.startswith(".") and not name.startswith(".."))
        )


def _read_csv(manifest: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with open(manifest, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file, restkey="", strict=True)
            return list(reader.fieldnames or []), list(reader)
    except OSError as error:
        raise UserError(
            f"videos.manifest: cannot read {printable(manifest)}: {error.strerror}"
        ) from error
    except csv.Error as error:
        raise UserError(f"{printable(manifest)}: not a valid CSV file: {error}") from error


def _video(row: Mapping[str, str], names: Mapping[str, str], root: Path) -> Video:
    """One manifest row as a Video; raises ValueError saying what is wrong with it."""
    if "" in row or None in row.values():
        raise ValueError("more or fewer fields than the header names")
    cell = {key: row.get(name, "").strip() for key, name in names.items()}
    given_path = row[names["path"]]
    if not given_path:
        raise ValueError("empty path")
    path = root / given_path
    if not os.path.lexists(path):
        raise ValueError(f"no file {printable(path)}")
    video_id = cell["video_id"] or video_id_from_name(path.stem)
    if not VIDEO_ID.fullmatch(video_id) or ".." in video_id:
        raise ValueError(
            f"video_id {printable(video_id)!r} is not allowed: letters, digits, '_', '-', "
            "single '.', not starting with '.', at most 120 of them"
        )
    for key in ("label", "group"):
        if not cell[key].isprintable() or len(cell[key]) > 200:
            raise ValueError(
                f"{key} {cell[key]!r} is not one printable line of at most 200 characters"
            )
    if cell["split"] and cell["split"] not in SPLITS:
        raise ValueError(f"split {cell['split']!r} is none of {', '.join(SPLITS)}")
    extra = {key: value for key, value in row.items() if key not in names.values()}
    label, split = cell["label"] or None, cell["split"] or None
    return Video(video_id, path, label, split, cell["group"] or video_id, root=root, extra=extra)


def _checked(videos: Sequence[Video], source: str, ignored: Iterable[str] = ()) -> Dataset:
    """Refuse two videos of one id (also where only case differs: some file systems ignore it)."""
    first: dict[str, Video] = {}
    problems = []
    for video in videos:
        twin = first.setdefault(video.video_id.casefold(), video)
        if twin is not video:
            problems.append(
                f"{printable(twin.path)} and {printable(video.path)} both have the video id "
                f"{video.video_id!r}; rename one, or give ids in a manifest's video_id column"
            )
    _raise(problems, source)
    return Dataset(tuple(sorted(videos, key=lambda video: video.video_id)), tuple(ignored))


def _raise(problems: Sequence[str], source: str) -> None:
    if problems:
        shown = "\n".join(f"  - {problem}" for problem in problems[:20])
        more = f"\n  ... and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise UserError(f"{source}: {len(problems)} problem(s):\n{shown}{more}")
