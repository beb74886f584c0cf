"""The executor of a stage's tasks.

Reuse up-to-date artifacts, compute missing ones, delete obsolete ones. A *task* is one artifact to
be made: of a video, or of a fit (of a fold, of a seed). The executor knows nothing of what is in
the artifacts; each stage brings a `compute` generator that takes the tasks still to do and yields a
`Result` for each, in any order.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import (
    atomic,
    check_artifact,
    read_json,
    read_tensors,
    sync,
    temporaries,
    write_artifact,
)
from unmuted.engine.damage import forget_note, is_intact, open_journal
from unmuted.engine.job_folder import FAILURES, FORCED, JOURNAL, UNSYNCED, locked
from unmuted.engine.ledger import OK, Journal, LedgerEntry, read_journal, write_rows
from unmuted.engine.processes import boot
from unmuted.engine.progress import Progress
from unmuted.engine.seeds import parse_fit
from unmuted.engine.tensors import TensorFile
from unmuted.errors import MachineError
from unmuted.files import NotAFile, read_bytes
from unmuted.text import one_line

if TYPE_CHECKING:
    import numpy as np

    from unmuted.engine.artifacts import Payload

_NAMED = 5  # tasks in a message
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

    name: video id, unit, or name of a fit. fingerprint: what it would be made from. inputs:
    artifacts it reads, by stage (an optional one may be absent); of a unit, those of its videos by
    `stage/video_id`. video: the video, None for a unit and for a fit. members: the videos of a
    unit, by id. gaps: the members that an input stage could not process, each with its row.
    blocked: set when an input stage could not process this video, or any of the unit; status and
    reason are passed on. earlier: its row of an earlier job, if there is one. failures: how many
    jobs it has failed with this fingerprint since something came of it, see `TaskFailed`.
    """

    name: str
    fingerprint: str
    inputs: Mapping[str, Artifact] = field(default_factory=dict)
    video: Video | None = None
    blocked: LedgerEntry | None = None
    earlier: LedgerEntry | None = None
    failures: int = 0
    members: Mapping[str, Video] = field(default_factory=dict)
    gaps: Mapping[str, LedgerEntry] = field(default_factory=dict)

    def of_member(self, video_id: str) -> Task:
        """Return the task as if it were of one video of the unit, with the inputs of this video."""
        end = f"/{video_id}"
        inputs = {
            name.removesuffix(end): artifact
            for name, artifact in self.inputs.items()
            if name.endswith(end)
        }
        return replace(self, inputs=inputs, video=self.members[video_id], members={}, gaps={})

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


class TaskFailed(MachineError):
    """A task failed in a way that may be its own doing. The job fails, and the next one knows.

    name: of the task.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.names = name, [name]


class TasksFailed(MachineError):
    """Tasks that failed, while the others of their job were made.

    failures: at least one.
    """

    def __init__(self, failures: Sequence[TaskFailed]) -> None:
        first, *others = failures
        names = ", ".join(failure.name for failure in failures[:_NAMED])
        more = f", ... ({len(failures)} in all)" if len(failures) > _NAMED else ""
        also = f"; {len(failures)} tasks of this job failed: {names}{more}" if others else ""
        super().__init__(f"{first}{also}")
        self.names = [failure.name for failure in failures]


def one_by_one(tasks: Iterable[Task], make: Callable[[Task], Result]) -> Iterator[Result]:
    """Yield what `make` makes of each task, as a `Compute` does.

    Raises TasksFailed after the last task where it raised TaskFailed for any: one job then counts
    the failures of all.
    """
    failures = []
    for task in tasks:
        try:
            result = make(task)
        except TaskFailed as failure:
            log.warning("%s", failure)
            failures.append(failure)
        else:
            yield result
    if failures:
        raise TasksFailed(failures)


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
        journal = open_journal(folder, suffix)
        is_forced = _drop_forced(folder, journal, {task.name for task in tasks})
        _record_blocked(tasks, journal)
        if not all(_is_current(task, folder, suffix, journal) for task in tasks):
            with atomic(folder / UNSYNCED) as temporary:
                temporary.write_text(boot(), encoding="utf-8")
            if not is_forced:
                _reuse_existing(folder, suffix, tasks, journal, base)
        todo = [task for task in tasks if not _is_current(task, folder, suffix, journal)]
        log.info("%s: %d of %d to do", ledger.name, len(todo), len(tasks))
        if todo:
            todo = _with_history(folder, todo, journal)
            _compute(folder, suffix, todo, compute, journal, {OK, *expected_statuses})
        rows = {task.name: journal.rows[task.name] for task in tasks}
        others = _finished_others(journal, rows, folder, suffix) if keep_others else {}
        present = rows | others
        _delete_others(folder, suffix, {name for name, row in present.items() if row.has_artifact})
        _sync_artifacts(folder, suffix, rows.values())
        journal.replace(present)
        forget_note(folder)  # before the ledger, see `read_finished_rows`
        write_rows(ledger, rows.values())
        (folder / FAILURES).unlink(missing_ok=True)
        (folder / UNSYNCED).unlink(missing_ok=True)
    return rows


def _compute(
    folder: Path,
    suffix: str,
    todo: Sequence[Task],
    compute: Compute,
    journal: Journal,
    expected: Collection[str],
) -> None:
    missing = {task.name: task.fingerprint for task in todo}
    with Progress(len(todo), f"{folder.parent.name} {folder.name}", _units(todo)) as progress:
        started = time.perf_counter()
        for result in _recording_failures(folder, compute(todo), missing):
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


def _units(tasks: Sequence[Task]) -> str:
    """Return the word for what tasks are of."""
    if tasks[0].video is not None:
        return "videos"
    return "units" if tasks[0].members else "fits"


def _recording_failures(
    folder: Path, results: Iterable[Result], fingerprints: Mapping[str, str]
) -> Iterator[Result]:
    """Yield the results; where tasks fail the job, count them for the next job."""
    try:
        yield from results
    except (TaskFailed, TasksFailed) as error:
        failures = _read_failures(folder)
        for name in error.names:
            wanted = fingerprints[name]
            known, count = failures.get(name, (wanted, 0))
            failures[name] = (wanted, count + 1 if known == wanted else 1)
        with atomic(folder / FAILURES) as temporary:
            temporary.write_text(json.dumps(failures), encoding="utf-8")
        raise


def _read_failures(folder: Path) -> dict[str, tuple[str, int]]:
    """Return by task the fingerprint with which it failed jobs, and how many; see `TaskFailed`."""
    try:
        known = json.loads(read_bytes(folder / FAILURES))
        return {str(name): (str(wanted), int(count)) for name, (wanted, count) in known.items()}
    except (OSError, NotAFile, ValueError, TypeError, AttributeError):
        return {}


def _with_history(folder: Path, tasks: Sequence[Task], journal: Journal) -> list[Task]:
    """Return the tasks with what became of them in earlier jobs."""
    failures = _read_failures(folder)
    known = [(task, *failures.get(task.name, ("", 0))) for task in tasks]
    return [
        replace(
            task,
            earlier=journal.rows.get(task.name),
            failures=count if fingerprint == task.fingerprint else 0,
        )
        for task, fingerprint, count in known
    ]


def _drop_forced(folder: Path, journal: Journal, names: Collection[str]) -> bool:
    """Void the rows of these names where a folder is to be computed again; return whether it is.

    A job that is killed later goes on where it was. Rows of videos that left the run are kept.
    """
    note = folder / FORCED
    if not note.exists():
        return False
    journal.replace({name: row for name, row in journal.rows.items() if name not in names})
    note.unlink()
    return True


def _is_current(task: Task, folder: Path, suffix: str, journal: Journal) -> bool:
    row = journal.rows.get(task.name)
    if row is None or row.fingerprint != task.fingerprint:
        return False
    return _has_its_artifact(row, folder, suffix)


def _has_its_artifact(row: LedgerEntry, folder: Path, suffix: str) -> bool:
    """Return whether the artifact of a row is there with its size, or the row has none."""
    path = folder / f"{row.video_id}{suffix}"
    return not row.has_artifact or (path.is_file() and path.stat().st_size == row.bytes)


def _sync_artifacts(folder: Path, suffix: str, rows: Iterable[LedgerEntry]) -> None:
    """Wait until the artifacts of a job that made some are on the disk."""
    if (folder / UNSYNCED).exists():
        for row in rows:
            if row.has_artifact:
                sync(folder / f"{row.video_id}{suffix}")
        sync(folder)


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
        if task.video is not None or task.members:
            unit = None if task.video is None else task.video.unit
            shards = shards_of_other_layouts(task.name, folder.name, siblings, unit)
            folders += [folder.parent / shard for shard in shards]
        elif task.seed is not None:
            folders += [folder.parent / name for name in siblings if name != folder.name]
        for source in folders:
            if source not in journals:
                path = source / JOURNAL
                rows, problems = read_journal(path) if path.is_file() else ({}, [])
                journals[source] = {} if problems else rows
            row = journals[source].get(task.name)
            if row is None or row.fingerprint != task.fingerprint:
                continue
            if _copy_artifact(source / f"{task.name}{suffix}", folder, row, journal):
                break


def _copy_artifact(source: Path, folder: Path, row: LedgerEntry, journal: Journal) -> bool:
    """Copy a finished artifact with its row; False where it is damaged."""
    if row.has_artifact:
        if not is_intact(source, row.digest):
            return False
        journal.invalidate(row.video_id)
        with atomic(folder / source.name, is_durable=False) as temporary:
            shutil.copy2(source, temporary)
    journal.append(row)
    return True


def _finished_others(
    journal: Journal, names: Collection[str], folder: Path, suffix: str
) -> dict[str, LedgerEntry]:
    """Return what a journal holds of other names, for the day when these come back.

    A row without a fingerprint is of no use, nor is one whose artifact is not there.
    """
    return {
        name: row
        for name, row in journal.rows.items()
        if name not in names and row.fingerprint and _has_its_artifact(row, folder, suffix)
    }


def _delete_others(folder: Path, suffix: str, names: set[str]) -> None:
    for entry in folder.iterdir():
        is_artifact = entry.name.endswith(suffix) and not entry.name.startswith(".")
        is_other = is_artifact and entry.name.removesuffix(suffix) not in names
        if is_other and (entry.is_symlink() or not entry.is_dir()):
            entry.unlink()


def _remove_temporary(folder: Path, ledger: Path) -> None:
    """Remove what a killed job left half-written; this folder's lock is held."""
    for entry in (*temporaries(folder), *temporaries(ledger.parent, ledger.name)):
        if not entry.is_dir():
            entry.unlink(missing_ok=True)
