"""Recordings of matches: from a table, from SoccerNet's folders, and with the events they show.

A recording is a video whose targets are events; the recordings of one match are of one unit and one
source group. Files of events are read here, before any job, so that a mistake in one of them is
told before hours of work.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from unmuted.dataset.alike import alike_problems
from unmuted.dataset.events import HALVES, KINDS, Event
from unmuted.dataset.finding import Finder
from unmuted.dataset.label_files import read_labels
from unmuted.dataset.labels import Labels
from unmuted.dataset.soccernet_layout import Game, find_games, read_split_list, split_of_games
from unmuted.dataset.split_folders import split_of_name
from unmuted.dataset.table import SEPARATORS, Table, read_table
from unmuted.dataset.videos import (
    SPLITS,
    Dataset,
    Video,
    checked_dataset,
    is_line,
    raise_problems,
    video_id_from_name,
)
from unmuted.digests import digest_bytes
from unmuted.errors import UserError
from unmuted.text import exact, one_line, printable

EVENTS = "events"  # in place of a class: the recording has labelled events
COLUMNS = ("path", "match", "half", "half_starts", "events", "split")
REQUIRED = ("path", "match")
LONGEST_ID = 110  # characters of a match's id, to which a half is added
LONGEST_MATCH = 1_000  # characters of a match's name
LATEST_START = 86_400.0  # seconds
MOST_REJECTED = 100  # reasons that are kept of a file's entries


@dataclass(frozen=True)
class Recording:
    """One file of a match, before its events are read.

    halves: seconds of the file at which the clock of each half that it holds is 0. events: the file
    of labels, None where there is none. game: the name of the match as its source has it. place:
    for errors.
    """

    path: Path
    match: str
    halves: Mapping[int, float]
    events: Path | None
    split: str | None
    place: str

    @property
    def half(self) -> str:
        """Its halves as text, such as 1 or 12."""
        return "".join(map(str, self.halves))


def match_id(name: str) -> str:
    """Return the id of a match, safe as the name of a folder, from a name of any form."""
    found = video_id_from_name(name)
    if len(found) <= LONGEST_ID:
        return found
    return f"{found[:60].rstrip('.')}-{digest_bytes(os.fsencode(name))[:10]}"


def read_match_manifest(
    manifest: Path, kinds: Collection[str], follow_links: bool = False
) -> Dataset:
    """Return the recordings of a CSV file with the columns of `COLUMNS`.

    path, match: of each recording; both halves of a game carry the same match. half: which half the
    file shows, by default by the order of the match's rows. half_starts: seconds of the file at
    which the clock of each half is 0, "0" by default, "0;3121.4" for a file with two halves.
    events: a file of labels; a match without one is predicted, not scored. split: train, val or
    test. Relative paths start at the manifest's own folder; unless `follow_links`, videos may not
    lie outside it. kinds: of events that are highlights. Raises UserError listing every bad row,
    then every bad entry of all files of events.
    """
    table = read_table(manifest, "matches.manifest", "path")
    _check_header(table.header, manifest)
    if not table.rows:
        raise UserError(f"{printable(manifest)}: expected at least one row, found only the header")
    recordings = _read_rows(table, manifest)
    if not follow_links:
        _refuse_other_root(recordings, manifest)
    return _dataset(recordings, manifest.parent, printable(manifest), kinds)


def read_soccernet(folder: Path, lists: Mapping[str, Path], kinds: Collection[str]) -> Dataset:
    """Return the recordings of a folder with leagues, seasons and games, as SoccerNet has them.

    lists: SoccerNet's list of the games of each split, or empty: splits are made. A game in none of
    them is predicted, not scored. kinds: of events that are highlights. Raises UserError for lists
    that contradict each other, and as `read_match_manifest` does for labels.
    """
    splits = split_of_games({split: read_split_list(path) for split, path in lists.items()})
    games = find_games(folder)
    recordings = [
        Recording(
            game.videos[half],
            game.game,
            {half: 0.0},
            game.labels if not lists or game.game in splits else None,
            splits.get(game.game),
            printable(game.game),
        )
        for game in games
        for half in sorted(game.videos)
    ]
    dataset = _dataset(recordings, folder, f"matches.soccernet {printable(folder)}", kinds)
    notes = (*dataset.notes, *_about_lists(games, splits, lists))
    return replace(dataset, notes=notes)


def check_events(dataset: Dataset, splits: Mapping[str, str]) -> None:
    """Raise UserError naming each split without any event of the kinds that are highlights."""
    present = {
        splits[video.video_id]
        for video in dataset.videos
        if video.video_id in splits and video.targets and video.targets["events"]
    }
    raise_problems(
        [
            f"the split {split!r} has no event of the kinds in matches.kinds: label some of its "
            "matches, give other splits, or name other kinds"
            for split in SPLITS
            if split not in present
        ],
        "matches",
    )


def targets_of(
    match: str, halves: Mapping[int, float], labels: Labels | None, kinds: Collection[str]
) -> dict[str, Any]:
    """Return what is known of a recording's events, as a JSON value.

    match: its name in its source. halves: seconds of the file at which the clock of each half is 0.
    labels: None for a recording without. kinds: of events that are highlights.

    Returns:
        `match`; `halves`, seconds by the half as text; `has_labels`; `events` and `others` (of
        other kinds), each with `half`, `milliseconds` in the half, `file_milliseconds`, `kind`,
        `is_shown`; `rejected`, [what, why] of entries; `rejected_count`; `unknown`, labels of no
        kind and how often they occur; `notes`.
    """
    found = Labels(()) if labels is None else labels
    events = [_event(event, halves) for event in found.events if event.half in halves]
    return {
        "match": match,
        "halves": {str(half): start for half, start in halves.items()},
        "has_labels": labels is not None,
        "events": [event for event in events if event["kind"] in kinds],
        "others": [event for event in events if event["kind"] not in kinds],
        "rejected": [reason.split(": ", 1) for reason in found.rejected[:MOST_REJECTED]],
        "rejected_count": len(found.rejected),
        "unknown": dict(found.unknown),
        "notes": list(found.notes),
    }


def _event(event: Event, halves: Mapping[int, float]) -> dict[str, Any]:
    return {
        "half": event.half,
        "milliseconds": event.milliseconds,
        "file_milliseconds": round(1000 * halves[event.half]) + event.milliseconds,
        "kind": event.kind,
        "is_shown": event.is_shown,
    }


# --- the table ------------------------------------------------------------------------------------


def _check_header(header: Sequence[str], manifest: Path) -> None:
    problems = [
        f"expected a column {column!r}, found {printable(one_line(', '.join(header))) or 'none'}; "
        f"separate columns by {' or '.join(SEPARATORS.values())}"
        for column in REQUIRED
        if column not in header
    ]
    problems += [
        f"unknown column {printable(one_line(column, 60))!r}; known are {', '.join(COLUMNS)}"
        for column in header
        if column not in COLUMNS
    ]
    raise_problems(problems, printable(manifest))


def _read_rows(table: Table, manifest: Path) -> list[Recording]:
    recordings: list[Recording] = []
    problems: list[str] = []
    finder = Finder(manifest.parent)
    rows_of_match: Counter[str] = Counter()
    for line, row in table.rows:
        try:
            if row is None:
                raise ValueError("more or fewer fields than the header names")
            recordings.append(_recording(row, line, rows_of_match, finder))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    problems += alike_problems("matches", {recording.match for recording in recordings})
    raise_problems(problems, printable(manifest))
    return recordings


def _recording(
    row: Mapping[str, str], line: int, rows_of_match: Counter[str], finder: Finder
) -> Recording:
    """Return a row as a recording; raise ValueError if something is wrong with it."""
    cell = {column: row.get(column, "").strip() for column in COLUMNS}
    match = cell["match"]
    if not match:
        raise ValueError("match: expected a name, found none")
    if not match.isprintable() or len(match) > LONGEST_MATCH:
        raise ValueError(
            f"match '{printable(one_line(match, 60))}': not one printable line of at most "
            f"{LONGEST_MATCH} characters"
        )
    if not cell["path"]:
        raise ValueError("path: expected a file, found none")
    path = finder.find(row["path"])
    events = finder.find(row["events"]) if cell["events"] else None
    split = cell["split"] or None
    if split is not None and split not in SPLITS:
        meant = split_of_name(split)
        hint = f"; write {meant}" if meant else ""
        raise ValueError(
            f"split '{printable(one_line(split, 60))}' is none of {', '.join(SPLITS)}{hint}"
        )
    rows_of_match[match] += 1
    halves = _halves(cell["half"], cell["half_starts"], rows_of_match[match])
    return Recording(path, match, halves, events, split, f"line {line}")


def _halves(half: str, starts: str, row: int) -> dict[int, float]:
    """Return the start of each half of a file; row: which one it is of its match, from 1 on."""
    given = [_start(text) for text in (starts or "0").split(";")]
    if any(later <= start for start, later in pairwise(given)):
        raise ValueError(f"half_starts: expected rising seconds, found '{one_line(starts, 60)}'")
    if half and not (half.isascii() and half.isdigit() and int(half) in HALVES):
        raise ValueError(f"half: expected 1 or 2, found '{printable(one_line(half, 60))}'")
    first = int(half) if half else 1 if len(given) > 1 else row
    halves = {first + number: start for number, start in enumerate(given)}
    if outside := [number for number in halves if number not in HALVES]:
        raise ValueError(
            f"half {outside[0]}: a match has the halves 1 and 2; leave out other recordings, or "
            "give the column half"
        )
    return halves


def _start(text: str) -> float:
    try:
        start = float(text)
    except ValueError:
        start = -1.0
    if not 0 <= start <= LATEST_START:
        raise ValueError(
            f"half_starts: expected seconds such as 0 or 0;3121.4, found '{one_line(text, 60)}'"
        )
    return start


def _refuse_other_root(recordings: Sequence[Recording], manifest: Path) -> None:
    inside = os.path.join(os.path.realpath(manifest.parent), "")
    if not any(os.path.realpath(one.path).startswith(inside) for one in recordings):
        raise UserError(
            f"{printable(manifest)}: none of its files lies in {printable(manifest.parent)}, such "
            f"as {printable(recordings[0].path)}: move the manifest, or set videos.follow_links to "
            "read files anywhere"
        )


# --- both sources ---------------------------------------------------------------------------------


def _dataset(
    recordings: Sequence[Recording], root: Path, source: str, kinds: Collection[str]
) -> Dataset:
    problems = [*_contradictions(recordings), *_shared_files(recordings)]
    raise_problems(problems, source)
    labels = _read_all_labels(recordings, kinds)
    raise_problems(_without_halves(labels), source)
    own = _own_labels(recordings, labels)
    videos = [
        _video(recording, root, found, kinds)
        for recording, found in zip(recordings, own, strict=True)
    ]
    dataset = checked_dataset(videos, source)
    notes = dict.fromkeys(note for found in labels.values() for note in found.notes)
    shown = list(notes)[:10]
    more = [f"{len(notes) - 10} more notes on files of events"] if len(notes) > 10 else []
    because = "" if labels else f"{source}: no match has a file of events"
    return replace(dataset, has_targets=True, notes=(*shown, *more), unlabelled_because=because)


def _contradictions(recordings: Sequence[Recording]) -> list[str]:
    """Say which matches are in two splits, have a half twice, or could be taken for another."""
    problems = []
    first: dict[tuple[str, int], Recording] = {}
    split_of: dict[str, Recording] = {}
    ids: dict[str, str] = {}
    for one in recordings:
        match = printable(one_line(one.match, 100))
        for half in one.halves:
            other = first.setdefault((one.match, half), one)
            if other is not one:
                problems.append(
                    f"{one.place}: half {half} of {match!r} is also that of {other.place}; give "
                    "the column half, or another match"
                )
        other = split_of.setdefault(one.match, one)
        if other.split != one.split:
            problems.append(
                f"{one.place}: {match!r} is in {one.split or 'no split'} and, by {other.place}, in "
                f"{other.split or 'none'}; one match belongs in one split"
            )
        known = ids.setdefault(match_id(one.match).casefold(), one.match)
        if known != one.match:
            problems.append(f"{one.place}: the matches {known!r} and {match!r} have one id")
    return problems


def _shared_files(recordings: Sequence[Recording]) -> list[str]:
    """Say which files stand for two recordings, also by links or under other names."""
    problems = []
    first: dict[object, Recording] = {}
    for one in recordings:
        try:
            status = os.stat(one.path)
        except OSError:
            continue  # the job that looks at it says why it cannot be read
        other = first.setdefault((status.st_dev, status.st_ino), one)
        if other is not one:
            problems.append(
                f"{one.place}: {printable(one.path)} is the same file as {printable(other.path)} "
                f"of {other.place}; give each recording its own"
            )
    return problems


def _read_all_labels(
    recordings: Iterable[Recording], kinds: Collection[str]
) -> dict[tuple[Path, int], Labels]:
    """Return the labels by file and by the half of rows that name none.

    Raises UserError that lists what is wrong in all files.
    """
    known = {*kinds, *KINDS}
    labels: dict[tuple[Path, int], Labels] = {}
    errors: dict[str, None] = {}
    for one in recordings:
        key = None if one.events is None else (one.events, min(one.halves))
        if key is None or key in labels:
            continue
        try:
            labels[key] = read_labels(key[0], known, half=key[1])
        except UserError as error:
            errors[str(error)] = None
    if errors:
        texts = list(errors)
        more = f"\n... and {len(texts) - 20} more files" if len(texts) > 20 else ""
        raise UserError("\n".join(texts[:20]) + more)
    return labels


def _without_halves(labels: Mapping[tuple[Path, int], Labels]) -> list[str]:
    """Say which files are given for both halves while their rows do not say which they are of."""
    return [
        f"{printable(path)} is given for both halves, but has rows without a half; add the column "
        "half, or give each half its own file"
        for path, half in labels
        if half == HALVES[1]
        and (path, HALVES[0]) in labels
        and labels[path, half].events != labels[path, HALVES[0]].events
    ]


def _own_labels(
    recordings: Sequence[Recording], labels: Mapping[tuple[Path, int], Labels]
) -> list[Labels | None]:
    """Return the labels of each recording.

    What is rejected of a file, or is of a half that has no recording, is told of the first
    recording with this file alone.
    """
    present: dict[str, set[int]] = {}
    for one in recordings:
        present.setdefault(one.match, set()).update(one.halves)
    seen: set[Path] = set()
    own: list[Labels | None] = []
    for one in recordings:
        if one.events is None:
            own.append(None)
            continue
        found = labels[one.events, min(one.halves)]
        if one.events in seen:
            found = Labels(found.events)
        else:
            seen.add(one.events)
            found = _without_absent_halves(found, present[one.match])
        own.append(found)
    return own


def _without_absent_halves(labels: Labels, present: Collection[int]) -> Labels:
    lengths = dict.fromkeys(present, float("inf"))
    return labels.within(lengths)


def _video(one: Recording, root: Path, found: Labels | None, kinds: Collection[str]) -> Video:
    unit = match_id(one.match)
    extra = {
        "half": ";".join(map(str, one.halves)),
        "half_starts": ";".join(map(exact, one.halves.values())),
        "events": "" if one.events is None else printable(one.events),
        "match": one.match if is_line(one.match) else unit,
    }
    return Video(
        f"{unit}-{one.half}",
        one.path,
        None if found is None else EVENTS,
        None if found is None else one.split,
        unit,
        root=root,
        extra=extra,
        unit=unit,
        targets=targets_of(one.match, one.halves, found, kinds),
    )


def _about_lists(
    games: Sequence[Game], splits: Mapping[str, str], lists: Mapping[str, Path]
) -> list[str]:
    """Say how many games are in no list, and how many listed ones are not there."""
    if not lists:
        return []
    here = {game.game for game in games}
    without, absent = len(here - splits.keys()), len(splits.keys() - here)
    notes = [f"{without} games are in none of the lists: predicted, not scored"] if without else []
    return notes + ([f"{absent} games of the lists are not in the folder"] if absent else [])
