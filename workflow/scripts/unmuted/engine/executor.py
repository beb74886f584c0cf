"""The executor of a stage's tasks.

Reuse up-to-date artifacts, compute missing ones, delete obsolete ones. A *task* is one artifact to
be made: of a video, or of a fit (of a fold, of a seed). The executor knows nothing of what is in
the artifacts; each stage brings a `compute` generator that takes the tasks still to do and yields a
`Result` for each, in any order.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.dataset.videos import Video
from unmuted.digests import digest_json
from unmuted.engine.artifacts import (
    atomic,
    check_artifact,
    content_digest,
    read_json,
    read_tensors,
    temporaries,
    write_artifact,
)
from unmuted.engine.ledger import OK, Journal, LedgerEntry, read_rows, write_rows
from unmuted.engine.progress import Progress
from unmuted.engine.seeds import parse_fit
from unmuted.engine.tensors import TensorFile
from unmuted.text import one_line

if TYPE_CHECKING:
    import numpy as np

    from unmuted.engine.artifacts import Payload

JOURNAL = ".journal.csv"
LOCK = ".lock"
DAMAGE = ".damage"
PLAN = ".plan"
log = logging.getLogger("unmuted")


@dataclass(frozen=True)
class Artifact:
    """A file that a stage left, with the row of its ledger. Reading it checks it first.

    on_read: is called before the artifact is read.
    """

    path: Path
    row: LedgerEntry
    on_read: Callable[[Artifact], None] | None = field(default=None, compare=False, repr=False)

    def checked_path(self) -> Path:
        """Return the path; raise `DamagedArtifact` unless the file is what the ledger says."""
        if self.on_read is not None:
            self.on_read(self)
        check_artifact(self.path, self.row.digest)
        return self.path

    def tensors(self) -> dict[str, np.ndarray]:
        """Return the arrays of a `.safetensors` artifact, checked."""
        return read_tensors(self.checked_path())

    def open_tensors(self) -> TensorFile:
        """Return a `.safetensors` artifact, checked, whose arrays are read in slices."""
        return TensorFile(self.checked_path())

    def json(self) -> dict[str, Any]:
        """Return the content of a `.json` artifact, checked."""
        return read_json(self.checked_path())


@dataclass(frozen=True)
class Task:
    """One artifact to be made.

    name: video id or name of a fit. fingerprint: what it would be made from. inputs: artifacts
    it reads, by stage (an optional one may be absent). video: the video, None for a fit.
    blocked: set when an input stage could not process this video; status and reason are passed on.
    """

    name: str
    fingerprint: str
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    video: Video | None = None
    blocked: LedgerEntry | None = None

    @property
    def seed(self) -> int | None:
        """The seed of a fit that belongs to one."""
        return parse_fit(self.name)[0]

    @property
    def fit(self) -> str:
        """What is fitted, apart from the seed."""
        return parse_fit(self.name)[1]


def by_fit(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """Return the tasks of each fit: the same fit of several seeds reads the same."""
    tasks_of_fit: dict[str, list[Task]] = {}
    for task in tasks:
        tasks_of_fit.setdefault(task.fit, []).append(task)
    return tasks_of_fit


@dataclass(frozen=True)
class Result:
    """What became of a task: an artifact's payload, or none when there is nothing to keep."""

    name: str
    payload: Payload | None
    status: str = OK
    reason: str = ""


Compute = Callable[[Sequence[Task]], Iterable[Result]]


def run_tasks(
    folder: Path,
    ledger: Path,
    suffix: str,
    tasks: Sequence[Task],
    compute: Compute,
    base: Path | None = None,
    expected_statuses: Collection[str] = (),
    keep_others: bool = False,
) -> dict[str, LedgerEntry]:
    """Bring a folder of artifacts up to date with `tasks` and write its ledger, last of all.

    base: of a scenario, the same folder of the run itself; what has the same fingerprint is copied.
    expected_statuses: statuses besides "ok" that are not worth a warning. keep_others: whether what
    the journal holds of names that are no longer asked for stays, as of videos that may come back.

    Tasks whose fingerprint the journal already holds are not computed again; all other artifacts
    are deleted. Safe to kill at any point. Returns the ledger entries.
    """
    with locked(folder):
        _remove_temporary(folder, ledger)
        journal = Journal(folder / JOURNAL)
        _record_blocked(tasks, journal)
        _reuse_existing(folder, suffix, tasks, journal, base)
        todo = [task for task in tasks if not _is_current(task, folder, suffix, journal)]
        log.info("%s: %d of %d to do", ledger.name, len(todo), len(tasks))
        if todo:
            _compute(folder, suffix, todo, compute, journal, {OK, *expected_statuses})
        rows = {task.name: journal.rows[task.name] for task in tasks}
        others = _finished_others(journal, rows) if keep_others else {}
        present = rows | others
        _delete_others(folder, suffix, {name for name, row in present.items() if row.has_artifact})
        journal.replace(present)
        write_rows(ledger, rows.values())
    return rows


def mark_damaged(folder: Path, ledger: Path, suffix: str) -> list[str]:
    """Check every artifact of a ledger; returns the damaged names, which the next run makes again.

    Their rows leave the journal, the ledger is removed, and a note is left that `found_damage`
    reads, so that the jobs of this folder, and of all that was made from it, run again.
    """
    with locked(folder):
        rows = read_rows(ledger)
        damaged = [
            name
            for name, row in rows.items()
            if row.has_artifact and not _is_intact(folder / f"{name}{suffix}", row.digest)
        ]
        if damaged:
            (folder / DAMAGE).write_text(f"{time.time_ns()} {digest_json(damaged)}")
            journal = Journal(folder / JOURNAL)
            known = journal.rows | rows  # the journal also has videos that left
            journal.replace({name: row for name, row in known.items() if name not in damaged})
            ledger.unlink()
    return damaged


def write_plan(folder: Path, job_fingerprint: str) -> None:
    """Record the plan for which a folder of artifacts was last brought up to date."""
    with atomic(folder / PLAN) as temporary:
        temporary.write_text(job_fingerprint, encoding="utf-8")


def read_plan(folder: Path) -> str | None:
    """Return the recorded plan; None where there is none."""
    try:
        return (folder / PLAN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def found_damage(folder: Path, in_partitions: bool = False) -> list[str]:
    """Return the notes on damage to artifacts of a folder, or of its partitions as well."""
    paths = [folder / DAMAGE, *(sorted(folder.glob(f"*/{DAMAGE}")) if in_partitions else [])]
    return [path.read_text() for path in paths if path.exists()]


def _compute(
    folder: Path,
    suffix: str,
    todo: Sequence[Task],
    compute: Compute,
    journal: Journal,
    expected: Collection[str],
) -> None:
    missing = {task.name: task.fingerprint for task in todo}
    progress = Progress(len(todo), f"{folder.parent.name}/{folder.name}")
    started = time.perf_counter()
    for result in compute(todo):
        digest, size = "", 0
        path = folder / f"{result.name}{suffix}"
        journal.invalidate(result.name)
        if result.payload is not None:
            digest, size = write_artifact(path, result.payload, missing[result.name])
        if result.status not in expected:
            log.warning("%s: %s %s", result.name, result.status, one_line(result.reason))
        now = time.perf_counter()
        fingerprint, reason = missing.pop(result.name), one_line(result.reason)
        seconds = round(now - started, 3)
        journal.append(
            LedgerEntry(result.name, result.status, reason, fingerprint, digest, size, seconds)
        )
        started = now
        progress.update()
    if missing:
        raise RuntimeError(f"{folder}: no result for {', '.join(sorted(missing))}")


def _is_current(task: Task, folder: Path, suffix: str, journal: Journal) -> bool:
    row = journal.rows.get(task.name)
    if row is None or row.fingerprint != task.fingerprint:
        return False
    path = folder / f"{task.name}{suffix}"
    return not row.has_artifact or (path.is_file() and path.stat().st_size == row.bytes)


def _is_intact(path: Path, digest: str) -> bool:
    try:
        return content_digest(path) == digest
    except (OSError, ValueError):
        return False


def _record_blocked(tasks: Iterable[Task], journal: Journal) -> None:
    for task in tasks:
        if task.blocked is not None:
            row = replace(task.blocked, video_id=task.name, fingerprint=task.fingerprint)
            row = replace(row, digest="", bytes=0, seconds=0.0)
            if journal.rows.get(task.name) != row:
                journal.append(row)


def _reuse_existing(
    folder: Path, suffix: str, tasks: Sequence[Task], journal: Journal, base: Path | None
) -> None:
    """Take over what another layout, or the run itself, has with the very same fingerprint."""
    from unmuted.engine.shards import shard_folders, shards_of_other_layouts

    siblings = shard_folders(folder.parent)
    journals: dict[Path, dict[str, LedgerEntry]] = {}
    for task in tasks:
        if _is_current(task, folder, suffix, journal):
            continue
        folders = [] if base is None else [base]
        if task.video is not None:
            shards = shards_of_other_layouts(task.name, folder.name, siblings, task.video.unit)
            folders += [folder.parent / shard for shard in shards]
        elif task.seed is not None:
            folders += [folder.parent / name for name in siblings if name != folder.name]
        for source in folders:
            if source not in journals:
                path = source / JOURNAL
                journals[source] = read_rows(path) if path.exists() else {}
            row = journals[source].get(task.name)
            if row is None or row.fingerprint != task.fingerprint:
                continue
            if _copy_artifact(source / f"{task.name}{suffix}", folder, row, journal):
                break


def _copy_artifact(source: Path, folder: Path, row: LedgerEntry, journal: Journal) -> bool:
    """Copy a finished artifact with its row; False where it is damaged."""
    if row.has_artifact:
        if not _is_intact(source, row.digest):
            return False
        journal.invalidate(row.video_id)
        with atomic(folder / source.name) as temporary:
            shutil.copy2(source, temporary)
    journal.append(row)
    return True


def _finished_others(journal: Journal, names: Collection[str]) -> dict[str, LedgerEntry]:
    """Return what a journal holds of other names; a row without fingerprint is of no use."""
    rows = journal.rows.items()
    return {name: row for name, row in rows if name not in names and row.fingerprint}


def _delete_others(folder: Path, suffix: str, names: set[str]) -> None:
    for entry in folder.iterdir():
        is_artifact = entry.name.endswith(suffix) and not entry.name.startswith(".")
        if is_artifact and entry.name.removesuffix(suffix) not in names:
            entry.unlink()


def _remove_temporary(folder: Path, ledger: Path) -> None:
    """Remove what a killed job left half-written; this folder's lock is held."""
    for entry in (*temporaries(folder), *temporaries(ledger.parent, ledger.name)):
        entry.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold the folder's lock: a job that outlived its killed Snakemake may still work here.

    Makes the folder where it is missing. Without `wait`, raises BlockingIOError when it is taken.
    """
    path = folder / LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with open(path, "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    raise
                log.warning("%s: waiting for an earlier job that is still at work here", folder)
                fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever held the lock may have pruned the folder, and this file with it.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return
