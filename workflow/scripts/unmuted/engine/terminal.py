"""What a person reads where a run was started: how far its jobs are, and what it has made.

Jobs write their progress to their own logs alone, on a cluster as on a laptop. The main process
reads there what it shows: its lines pass through Snakemake's logger, which keeps each in one piece.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmuted.engine.layout import RESULTS
from unmuted.text import one_line

EVERY = 30.0  # seconds between lines of one job, and how long a job runs before its first one
LOOK_EVERY = 5.0  # seconds between looks at the logs of running jobs
LINES = 10  # at most, at a time
TARGETS = 5  # at most, that are named after a run
OVERVIEW = RESULTS / "report/index.html"
_TAIL = 8192  # bytes of a log
_LINE = re.compile(rb"^\d\d:\d\d:\d\d PROGRESS (.+)$", re.MULTILINE)
_LEDGER = ".ledger.csv"


@dataclass
class _Seen:
    """A running job's log: as it was when the job was first seen, and since it has changed."""

    first: tuple[int, int] | None
    since: float | None = None
    shown: str = ""


class Watch:
    """The progress of running jobs, from their logs."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}
        self._next = 0.0

    def look(self, logs: Iterable[Path], now: float) -> list[str]:
        """Return what is to be shown of the running jobs with these logs; often nothing.

        now: seconds of a clock that only goes forward. A log may be that of an earlier run until
        its job starts, maybe on another machine: a job counts as started once its log changes.
        """
        running = {path: self._seen.get(path) or _Seen(_state(path)) for path in logs}
        self._seen = running
        for path, seen in running.items():
            if seen.since is None and _state(path) != seen.first:
                seen.since = now
        if now < self._next:
            return []
        long = [path for path, seen in running.items() if _is_due(seen, now)]
        lines = {path: line for path in sorted(long) if (line := _last_line(path))}
        new = [path for path, line in lines.items() if line != running[path].shown]
        if not new:
            return []
        self._next = now + EVERY
        for path in new:
            running[path].shown = lines[path]
        more = len(new) - LINES
        shown = [lines[path] for path in new[:LINES]]
        return [*shown, f"and {more} more jobs that run, see results/logs"] if more > 0 else shown


def _is_due(seen: _Seen, now: float) -> bool:
    return seen.since is not None and now - seen.since >= EVERY


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _last_line(path: Path) -> str | None:
    """Return the last progress line of a log, None where there is none yet."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            found = _LINE.findall(file.read(_TAIL))
    except OSError:
        return None
    return one_line(found[-1].decode("utf-8", "replace")) if found else None


def after_run(targets: Sequence[Path], has_overview: bool) -> list[str]:
    """Return what a run has made, where it lies, and what to look at first.

    targets: relative to the working directory, which holds results/. has_overview: whether the
    workflow can make `OVERVIEW`.
    """
    made = list(dict.fromkeys(_shown(path) for path in targets))
    more = len(made) - TARGETS
    named = ", ".join(made[:TARGETS]) + (f" and {more} more" if more > 0 else "")
    lines = [f"made in {one_line(os.fspath(Path.cwd()))}: {named}"] if made else []
    pages = [path for path in targets if path.suffix == ".html"]
    if pages:
        first = OVERVIEW if OVERVIEW in pages else pages[0]
        lines.append(f"look first at: {one_line(os.fspath(first.absolute()))}, in a browser")
    elif has_overview:
        lines.append(f"look first at: {OVERVIEW}, which the same command makes with this target")
    return lines


def _shown(target: Path) -> str:
    """Return the name of a target; of ledgers, the folder of the stage."""
    if not target.name.endswith(_LEDGER):
        return one_line(os.fspath(target))
    stage = target.parent if target.parent != RESULTS else target.with_name(target.stem)
    return one_line(f"{str(stage).removesuffix('.ledger')}/")
