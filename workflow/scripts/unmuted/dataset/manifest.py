"""Videos from a CSV table, the manifest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unmuted.dataset.alike import alike_problems, canonical_spelling
from unmuted.dataset.finding import Finder, is_not_utf8
from unmuted.dataset.masks import KINDS as MASK_KINDS
from unmuted.dataset.masks import MASKS, mask_targets
from unmuted.dataset.split_folders import folders_named_after_splits, split_of_name
from unmuted.dataset.table import SEPARATORS, Table, read_table
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

OPTIONAL = ("label", "video_id", "split", "group", "unit", *MASK_KINDS)


def read_manifest(
    manifest: Path, root: Path | None, columns: Mapping[str, str], follow_links: bool = False
) -> Dataset:
    """Return the videos of a CSV file with a column path and, optionally, those of `OPTIONAL`.

    columns: names of these columns in the file. Relative paths start at `root`, by default the
    manifest's own folder; unless `follow_links`, files may not lie outside it. Rows without label
    are kept, for prediction. Raises UserError listing every bad row.
    """
    names = {key: columns.get(key, key).strip() for key in ("path", *OPTIONAL)}
    root = root or manifest.parent
    table = read_table(manifest, "videos.manifest", names["path"])
    _check_header(table.header, names, columns, manifest)
    if not table.rows:
        raise UserError(f"{printable(manifest)}: expected at least one row, found only the header")
    if not root.is_dir():
        raise UserError(f"videos.root: {printable(root)} is not a folder")
    videos = _read_rows(table, names, root, manifest)
    if not follow_links:
        _refuse_other_root(videos, root, manifest)
    dataset = checked_dataset(videos, printable(manifest))
    # Without classes there is nothing to tell apart but what is masked and what is not.
    has_masks = any(video.targets for video in videos)
    classes = set(dataset.classes) - {MASKS}
    dataset = replace(dataset, has_targets=has_masks and len(classes) < 2)
    return _with_notes(dataset, table.header, names, root, manifest)


def _check_header(
    header: Sequence[str], names: Mapping[str, str], columns: Mapping[str, str], manifest: Path
) -> None:
    """Raise UserError for missing columns and for those that are not what they seem to be."""
    if names["path"] not in header:
        raise UserError(
            f"{printable(manifest)}: expected a column {names['path']!r}, "
            f"found {printable(', '.join(header))}; separate columns by "
            f"{' or '.join(SEPARATORS.values())}, "
            "and name yours under videos.columns in the configuration"
        )
    for key in columns:
        if names[key] not in header:
            raise UserError(
                f"{printable(manifest)}: videos.columns.{key} names a column {columns[key]!r} "
                f"that it lacks; it has {printable(', '.join(header))}"
            )
    _refuse_two_meanings(header, names, manifest)


def _read_rows(table: Table, names: Mapping[str, str], root: Path, manifest: Path) -> list[Video]:
    """Return the rows as videos. Raises UserError listing every bad row, and groups to confuse."""
    videos, problems = [], []
    finder = Finder(root)
    for line, row in table.rows:
        try:
            videos.append(_video(row, names, root, finder))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    if len(problems) == len(table.rows) > 1 and all(": no file " in text for text in problems):
        start = f"paths start at videos.root, {printable(root)}"
        problems.insert(0, f"none of its files is there; {start}")
    given = {video.group for video in videos if video.group not in (video.video_id, video.unit)}
    problems += alike_problems("groups", given)
    raise_problems(problems, printable(manifest))
    return videos


def _with_notes(
    dataset: Dataset,
    header: Sequence[str],
    names: Mapping[str, str],
    root: Path,
    manifest: Path,
) -> Dataset:
    """Add what a person should know: that no row has a label, or that folders look like splits."""
    notes, because = list(dataset.notes), ""
    if not dataset.classes:
        column, columns = names["label"], printable(", ".join(header))
        because = f"{printable(manifest)}: there is no column {column!r}; its columns are {columns}"
        if column in header:
            because = f"{printable(manifest)}: the label column {column!r} is empty in all rows"
            notes.append(because)
    if names["split"] not in header:
        folders = folders_named_after_splits(dataset.videos, root)
        if folders:
            shown = printable(", ".join(folders))
            notes.append(
                f"{printable(manifest)}: the folders {shown} are not taken for splits, since there "
                "is no column split"
            )
    return replace(dataset, notes=tuple(notes), unlabelled_because=because)


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
    problems += [
        f"its column '{printable(column)}' is not read: rename it {name!r}, or name it under "
        f"videos.columns.{key}; if it is something else, give it another name"
        for key, name in names.items()
        for column in header
        if name not in header and canonical_spelling(column) == canonical_spelling(name)
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


def _video(
    row: Mapping[str, str] | None, names: Mapping[str, str], root: Path, finder: Finder
) -> Video:
    """Return a row of the manifest as a Video; raise ValueError if something is wrong with it."""
    if row is None:
        raise ValueError("more or fewer fields than the header names")
    cell = {key: row.get(name, "").strip() for key, name in names.items()}
    given_path = row[names["path"]]
    if not given_path.strip():
        raise ValueError("empty path")
    path = finder.find(given_path)
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
            hint = "; save the table as CSV (UTF-8)" if is_not_utf8(cell[key]) else ""
            raise ValueError(f"{key} '{printable(cell[key])}': {NO_LINE}{hint}")
    if cell["split"] and cell["split"] not in SPLITS:
        meant = split_of_name(cell["split"])
        raise ValueError(
            f"split '{printable(cell['split'])}' is none of {', '.join(SPLITS)}"
            + (f"; write {meant}" if meant else "")
        )
    extra = {key: value for key, value in row.items() if key not in names.values()}
    label, split = cell["label"] or None, cell["split"] or None
    targets = _targets(row, names, root, finder)
    if targets and "masks" in targets and label is None:
        label = MASKS
    # Videos that belong together, such as the halves of a match, are of one recording.
    group, unit = cell["group"] or cell["unit"] or video_id, cell["unit"] or None
    return Video(video_id, path, label, split, group, root, extra, unit, targets=targets)


def _targets(
    row: Mapping[str, str], names: Mapping[str, str], root: Path, finder: Finder
) -> dict[str, Any] | None:
    """Return where the masks and boxes of a row are; None if it has none of them."""
    given = {kind: row.get(names[kind], "").strip() for kind in MASK_KINDS}
    folders = {kind: finder.find(path) for kind, path in given.items() if path}
    return mask_targets(folders, root) if folders else None
