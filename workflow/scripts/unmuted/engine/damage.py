"""Damage to ledgers, journals and artifacts: finding it, and having the next run repair it.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from unmuted.digests import digest_bytes, digest_json
from unmuted.engine.artifacts import atomic, content_digest
from unmuted.engine.job_folder import DAMAGE, JOURNAL, UNSYNCED, locked
from unmuted.engine.job_notes import NOTE, read_note
from unmuted.engine.ledger import (
    DamagedLedger,
    Journal,
    LedgerEntry,
    format_rows,
    read_journal,
    read_rows,
    write_rows,
)
from unmuted.engine.processes import boot
from unmuted.files import NotAFile, read_bytes

Rows = Mapping[str, LedgerEntry]
log = logging.getLogger("unmuted")


def mark_damaged(folder: Path, ledger: Path, suffix: str) -> list[Path]:
    """Check a ledger, its journal and every artifact; returns what is damaged, to be made again.

    The rows of damaged artifacts leave the journal, the ledger is removed, and a note is left that
    `found_damage` reads, so that the jobs of this folder, and of all that was made from it, run
    again. A ledger alone is written again from its journal, a journal from its ledger. Artifacts of
    videos that left the run, which the journal alone knows, are made again when these come back.
    """
    with locked(folder):
        rows, known, damaged = _checked_tables(folder, ledger)
        is_whole = len(damaged) < len((ledger, folder / JOURNAL))
        lost = [
            name
            for name, row in known.items()
            if row.has_artifact and not is_intact(folder / f"{name}{suffix}", row.digest)
        ]
        artifacts = [name for name in lost if name in rows]
        if artifacts or not is_whole:
            with atomic(folder / DAMAGE) as temporary:
                temporary.write_text(f"{time.time_ns()} {digest_json(artifacts)}")
            ledger.unlink(missing_ok=True)
            forget_note(folder)
        elif ledger in damaged:
            write_rows(ledger, rows.values())
            # As old as it was: what was made from it is up to date.
            shutil.copystat(folder / JOURNAL, ledger)
        if lost or folder / JOURNAL in damaged:
            kept = (row for name, row in known.items() if name not in lost)
            write_rows(folder / JOURNAL, kept)
    return [*damaged, *(folder / f"{name}{suffix}" for name in lost)]


def _checked_tables(folder: Path, ledger: Path) -> tuple[Rows, Rows, list[Path]]:
    """Return the rows of a ledger, all that its journal should have, and which are damaged.

    A journal may have more rows than its ledger. Of two that differ, the one that the note of the
    job knows is right, else the ledger. With both damaged, the rows are those of the journal that
    are sound and can be checked.
    """
    journal = folder / JOURNAL
    for path in (ledger, journal):
        remove_special(path)
    in_journal, problems = read_journal(journal) if journal.exists() else ({}, ["no journal"])
    try:
        rows = read_rows(ledger, _digest_in_note(ledger, folder))
    except (DamagedLedger, FileNotFoundError):
        if problems or not _is_in_note(in_journal, ledger, folder):
            checkable = {name: row for name, row in in_journal.items() if row.has_artifact}
            return checkable, checkable, [ledger, journal]
        return in_journal, in_journal, [ledger]
    is_same = not problems and rows.items() <= in_journal.items()
    return rows, {**in_journal, **rows}, [] if is_same else [journal]


def _is_in_note(rows: Rows, ledger: Path, folder: Path) -> bool:
    """Return whether the ledger of these rows would be the one that the job wrote."""
    digest = _digest_in_note(ledger, folder)
    return digest is None or digest == digest_bytes(format_rows(rows.values()).encode())


def _digest_in_note(ledger: Path, folder: Path) -> str | None:
    note = read_note(folder / NOTE)
    return note.outputs[ledger.name][1] if note and ledger.name in note.outputs else None


def read_finished_rows(ledger: Path, folder: Path) -> dict[str, LedgerEntry]:
    """Return the rows of a ledger; folder: of its artifacts and of the note on its job.

    Raises DamagedLedger for a file that is not, to the byte, the one that the job wrote. Its note
    is then removed, so that the next run repairs the ledger from the journal. A job that writes
    both meanwhile removes its earlier note first: the ledger is then read again.
    """
    while True:
        digest = _digest_in_note(ledger, folder)
        try:
            return read_rows(ledger, digest)
        except DamagedLedger:
            if _digest_in_note(ledger, folder) != digest:
                continue
            forget_note(folder)
            raise


def forget_note(folder: Path) -> None:
    """Have the job of a folder run again: its results are not those of its note."""
    (folder / NOTE).unlink(missing_ok=True)


def found_damage(folder: Path, in_partitions: bool = False) -> list[str]:
    """Return the notes on damage to artifacts of a folder, or of its partitions as well."""
    paths = [folder / DAMAGE, *(sorted(folder.glob(f"*/{DAMAGE}")) if in_partitions else [])]
    return [read_bytes(path).decode("utf-8", "replace") for path in paths if path.exists()]


def is_intact(path: Path, digest: str) -> bool:
    """Return whether an artifact is there with this content."""
    try:
        return content_digest(path) == digest
    except (OSError, ValueError, NotAFile):
        return False


def open_journal(folder: Path, suffix: str) -> Journal:
    """Return the journal of a folder with the rows that still hold.

    After damage to the journal, or where the machine went down before all was on the disk, these
    are the rows whose artifacts are there with their content.
    """
    path = folder / JOURNAL
    remove_special(path)
    journal = Journal(path)
    if journal.problems:
        log.warning("%s: damaged (%s); only what can be checked is kept", path, journal.problems[0])
    unsynced = folder / UNSYNCED
    if journal.problems or (unsynced.exists() and read_bytes(unsynced) != boot().encode()):
        journal.replace(
            {
                name: row
                for name, row in journal.rows.items()
                if _holds(row, folder / f"{name}{suffix}", bool(journal.problems))
            }
        )
    return journal


def _holds(row: LedgerEntry, path: Path, is_damaged: bool) -> bool:
    return is_intact(path, row.digest) if row.has_artifact else not is_damaged


def remove_special(path: Path) -> None:
    """Remove what is neither a file nor a folder where the engine keeps a file of its own.

    Raises NotAFile for a folder, which may hold anything.
    """
    if path.is_dir() and not path.is_symlink():
        raise NotAFile(f"{path}: expected a file, found a folder; move it away")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        log.warning("%s: expected a file, found a link or a device; removed", path)
        path.unlink()
