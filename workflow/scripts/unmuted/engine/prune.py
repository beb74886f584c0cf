"""Removing what no run needs any more: empty shards and replaced layouts.

What there is of videos that left the run is removed only if a person asks for it.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmuted.engine.job_folder import JOURNAL, locked
from unmuted.engine.ledger import (
    DamagedLedger,
    Journal,
    LedgerEntry,
    read_journal,
    read_rows,
)
from unmuted.engine.shards import shard_folders

TRASH = ".trash-"
log = logging.getLogger("unmuted")


@dataclass(frozen=True)
class Removed:
    """An artifact, or the row of a video without one, that was removed because the video left."""

    video_id: str
    bytes: int


def prune_shards(stage_folder: Path, suffix: str, shard_of: Mapping[str, str]) -> list[str]:
    """Remove a stage's shards that hold nothing of use any more; returns their names.

    suffix: of the stage's artifacts. shard_of: the present shard of every video. A shard of an
    earlier layout stays until each of its videos has been taken over by its present shard. Then
    what it has of videos that left the run stays, since these may come back.
    """
    present = set(shard_of.values())
    empty = []
    journals = _Journals(stage_folder)
    for shard in shard_folders(stage_folder):
        rows = None if shard in present else journals[shard]
        if rows is None:
            continue
        names = [name for name in rows if name in shard_of]
        if all(name in (journals[shard_of[name]] or {}) for name in names):
            if len(names) == len(rows):
                empty.append(shard)
            elif names:
                _forget(stage_folder, shard, suffix, names)
    return _remove_all(stage_folder, empty, "empty shard")


def remove_absent(stage_folder: Path, suffix: str, shard_of: Mapping[str, str]) -> list[Removed]:
    """Remove all that a stage has of videos that left the run, and what two shards have.

    suffix and shard_of: as of `prune_shards`. Returns what was removed of videos that left.
    """
    removed = []
    journals = _Journals(stage_folder)
    for shard in shard_folders(stage_folder):
        rows = journals[shard] or {}
        absent = [name for name in rows if name not in shard_of]
        moved = [
            name
            for name in rows
            if shard_of.get(name, shard) != shard and name in (journals[shard_of[name]] or {})
        ]
        if absent or moved:
            forgotten = set(_forget(stage_folder, shard, suffix, [*absent, *moved]))
            removed += [Removed(name, rows[name].bytes) for name in absent if name in forgotten]
    return removed


class _Journals:
    """The journals of the shards of a stage, each read once; None where there is none."""

    def __init__(self, stage_folder: Path) -> None:
        self._folder = stage_folder
        self._rows: dict[str, Mapping[str, LedgerEntry] | None] = {}

    def __getitem__(self, shard: str) -> Mapping[str, LedgerEntry] | None:
        if shard not in self._rows:
            self._rows[shard] = _journal(self._folder / shard)
        return self._rows[shard]


def _forget(stage_folder: Path, shard: str, suffix: str, names: Sequence[str]) -> Sequence[str]:
    """Remove artifacts and rows of these names; returns the names, none while a job is at work.

    The rows of the journal go last, so that a kill leaves nothing that no row speaks of. A ledger
    that has one of the names goes first: it would tell Snakemake that all is made.
    """
    folder, ledger = stage_folder / shard, stage_folder / f"{shard}.ledger.csv"
    try:
        with locked(folder, wait=False):
            if ledger.exists() and _lists_any(ledger, names):
                ledger.unlink()
            for name in names:
                (folder / f"{name}{suffix}").unlink(missing_ok=True)
            journal = Journal(folder / JOURNAL)
            forgotten = set(names)
            rows = journal.rows.items()
            journal.replace({name: row for name, row in rows if name not in forgotten})
    except BlockingIOError:
        log.info("%s: a job is still at work in %s, kept", stage_folder.name, shard)
        return []
    return names


def _lists_any(ledger: Path, names: Collection[str]) -> bool:
    """Return whether a ledger has one of these names; a damaged one may have."""
    try:
        return not read_rows(ledger).keys().isdisjoint(names)
    except DamagedLedger:
        return True


def prune_partitions(stage_folder: Path, partitions: Sequence[str]) -> list[str]:
    """Remove other partitions of seeds than `partitions` that hold no fit beyond those of these.

    A fit of a seed that is not asked for at present stays, and so does one that `partitions` have
    with another fingerprint: which of the two is up to date is not known here, and a fit takes
    long.
    """
    present: dict[str, LedgerEntry] = {}
    for partition in partitions:
        present |= _journal(stage_folder / partition) or {}
    former = [
        folder
        for folder in shard_folders(stage_folder)
        if folder not in partitions and _all_within(stage_folder / folder, present)
    ]
    return _remove_all(stage_folder, former, "former partition")


def _all_within(folder: Path, others: Mapping[str, LedgerEntry]) -> bool:
    """Return whether others have all rows of a folder's journal, with the same fingerprints.

    So they have where there is no journal; not where it is damaged.
    """
    rows = _journal(folder)
    if rows is None:
        return not (folder / JOURNAL).exists()
    return all(
        name in others and others[name].fingerprint == row.fingerprint for name, row in rows.items()
    )


def _remove_all(stage_folder: Path, folders: Sequence[str], what: str) -> list[str]:
    """Remove these folders, and what a killed pruning left; returns those that no job works in."""
    for trash in stage_folder.glob(f"{TRASH}*"):
        shutil.rmtree(trash)
    removed = []
    for folder in folders:
        try:
            _remove(stage_folder, folder)
        except BlockingIOError:
            log.info("%s: a job is still at work in %s, kept", stage_folder.name, folder)
            continue
        removed.append(folder)
        log.info("%s: removed the %s %s", stage_folder.name, what, folder)
    return removed


def _remove(stage_folder: Path, shard: str) -> None:
    trash = stage_folder / f"{TRASH}{shard}"
    with locked(stage_folder / shard, wait=False):
        (stage_folder / f"{shard}.ledger.csv").unlink(missing_ok=True)
        os.rename(stage_folder / shard, trash)  # whole or not at all, so a kill leaves no half
    shutil.rmtree(trash)


def _journal(folder: Path) -> Mapping[str, LedgerEntry] | None:
    """Return the rows of a folder's journal; None where there is none, or a damaged one."""
    path = folder / JOURNAL
    if not path.exists():
        return None
    rows, problems = read_journal(path)
    if problems:
        log.warning("%s: damaged (%s); its folder stays", path, problems[0])
    return None if problems else rows
