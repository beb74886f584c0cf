"""Videos from a CSV table, the manifest."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from unmuted.dataset.videos import (
    NO_LINE,
    SPLITS,
    Dataset,
    Video,
    checked_dataset,
    is_line,
    is_video_id,
    raise_problems,
    video_id_from_name,
)
from unmuted.errors import UserError
from unmuted.text import printable

OPTIONAL = ("label", "video_id", "split", "group", "unit")


def read_manifest(
    manifest: Path, root: Path | None, columns: Mapping[str, str], follow_links: bool = False
) -> Dataset:
    """Return the videos of a CSV file with a column path and, optionally, those of `OPTIONAL`.

    columns: names of these columns in the file. Relative paths start at `root`, by default the
    manifest's own folder; unless `follow_links`, files may not lie outside it. Rows without label
    are kept, for prediction. Raises UserError listing every bad row.
    """
    names = {key: columns.get(key, key) for key in ("path", *OPTIONAL)}
    root = root or manifest.parent
    header, rows = _read_csv(manifest)
    if names["path"] not in header:
        raise UserError(
            f"{printable(manifest)}: expected a column {names['path']!r}, "
            f"found {printable(', '.join(header))}; separate columns by commas, "
            "and name yours under videos.columns in the configuration"
        )
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise UserError(f"{printable(manifest)}: the column '{printable(twice[0])}' occurs twice")
    for key in columns:
        if columns[key] not in header:
            raise UserError(
                f"{printable(manifest)}: videos.columns.{key} names a column {columns[key]!r} "
                "that it lacks"
            )
    _refuse_two_meanings(header, names, manifest)
    videos, problems = [], []
    for line, row in rows:
        try:
            videos.append(_video(row, names, root))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    raise_problems(problems, printable(manifest))
    if not videos:
        raise UserError(f"{printable(manifest)}: expected at least one row, found only the header")
    if not follow_links:
        _refuse_other_root(videos, root, manifest)
    return checked_dataset(videos, printable(manifest))


def _refuse_two_meanings(header: Sequence[str], names: Mapping[str, str], manifest: Path) -> None:
    """Raise UserError for a column with two meanings, or a meaning with two columns."""
    given = [name for name in names.values() if name in header]
    problems = [
        f"videos.columns names the column '{printable(name)}' twice; give each its own"
        for name in sorted({name for name in given if given.count(name) > 1})
    ]
    problems += [
        f"its column {key!r} is not the one that videos.columns.{key} names, "
        f"'{printable(name)}': rename one, since results/videos.csv calls that one {key!r}"
        for key, name in names.items()
        if key in header and key not in given
    ]
    raise_problems(problems, printable(manifest))


def _refuse_other_root(videos: Sequence[Video], root: Path, manifest: Path) -> None:
    """Raise UserError if every file lies outside: a wrong root, where one file may be a mistake."""
    inside = os.path.join(os.path.realpath(root), "")
    if not any(os.path.realpath(video.file).startswith(inside) for video in videos):
        raise UserError(
            f"{printable(manifest)}: none of its files lies in {printable(root)}, such as "
            f"{printable(videos[0].file)}: set videos.root to the folder that holds them, or "
            "videos.follow_links to read files anywhere"
        )


def _read_csv(manifest: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the header, and the rows with the number of the line on which each ends."""
    try:
        with open(manifest, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file, strict=True)
            return list(reader.fieldnames or []), [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise UserError(
            f"videos.manifest: cannot read {printable(manifest)}: {error.strerror}"
        ) from error
    except csv.Error as error:
        raise UserError(f"{printable(manifest)}: not a valid CSV file: {error}") from error


def _video(row: Mapping[str, str], names: Mapping[str, str], root: Path) -> Video:
    """Return a row of the manifest as a Video; raise ValueError if something is wrong with it."""
    if None in row or None in row.values():
        raise ValueError("more or fewer fields than the header names")
    cell = {key: row.get(name, "").strip() for key, name in names.items()}
    given_path = row[names["path"]]
    if not given_path:
        raise ValueError("empty path")
    path = root / given_path
    if not os.path.lexists(path):
        raise ValueError(f"no file {printable(path)}")
    video_id = cell["video_id"] or video_id_from_name(path.stem)
    if not is_video_id(video_id):
        raise ValueError(
            f"video_id '{printable(video_id)}' is not allowed: letters, digits, '_', '-', "
            "single '.', not starting with '.', not ending with '.ledger.csv', at most 120 of them"
        )
    if cell["unit"] and not is_video_id(cell["unit"]):
        raise ValueError(
            f"unit '{printable(cell['unit'])}' is not allowed: it names folders, as video ids do"
        )
    for key in ("label", "group"):
        if not is_line(cell[key]):
            raise ValueError(f"{key} '{printable(cell[key])}': {NO_LINE}")
    if cell["split"] and cell["split"] not in SPLITS:
        raise ValueError(f"split '{printable(cell['split'])}' is none of {', '.join(SPLITS)}")
    extra = {key: value for key, value in row.items() if key not in names.values()}
    label, split = cell["label"] or None, cell["split"] or None
    # Videos that belong together, such as the halves of a match, are of one recording.
    group, unit = cell["group"] or cell["unit"] or video_id, cell["unit"] or None
    return Video(video_id, path, label, split, group, root=root, extra=extra, unit=unit)
