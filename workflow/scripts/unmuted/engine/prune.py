"""Removing what no run needs any more: empty shards, and layouts that were replaced."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from unmuted.engine.executor import JOURNAL, locked
from unmuted.engine.ledger import LedgerEntry, read_journal
from unmuted.engine.shards import shard_folders

TRASH = ".trash-"
log = logging.getLogger("unmuted")


def prune_shards(stage_folder: Path, shard_of: Mapping[str, str]) -> list[str]:
    """Remove a stage's shards that hold no video of the run any more; returns their names.

    shard_of: the present shard of every video. A shard of an earlier layout stays until each of its
    videos has left the run or has been taken over by its present shard.
    """
    present = set(shard_of.values())
    empty = []
    journals: dict[str, Mapping[str, LedgerEntry]] = {}
    for shard in shard_folders(stage_folder):
        if shard in present:
            continue
        rows = _journal(stage_folder / shard)
        if rows is None:
            continue
        for video_id in rows:
            shard_now = shard_of.get(video_id)
            if shard_now is not None and shard_now not in journals:
                journals[shard_now] = _journal(stage_folder / shard_now) or {}
        if all(name not in shard_of or name in journals[shard_of[name]] for name in rows):
            empty.append(shard)
    return _remove_all(stage_folder, empty, "empty shard")


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
