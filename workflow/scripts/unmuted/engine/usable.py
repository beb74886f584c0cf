"""How many videos of a run were usable, and what kept out the others.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.engine.ledger import OK, LedgerEntry, read_rows
from unmuted.errors import UserError

if TYPE_CHECKING:
    from unmuted.engine.run import Run

Rows = dict[str, LedgerEntry]
_SHOWN = 3  # reasons of a stage


@dataclass(frozen=True)
class Usable:
    """The videos that were looked at, and those among them that something was made of.

    lines: for the terminal: what kept out the others, and what the stages that read the videos
    next found in most of them; empty if there is nothing of the kind.
    """

    total: int
    usable: int
    lines: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether no video could be used at all."""
        return self.total > 0 and self.usable == 0


def find_usable(run: Run) -> Usable:
    """Read from the ledgers that there are how many videos were usable.

    A video is usable if the stage that looks at it first could read it, and one of the stages that
    read it next could as well, if they looked at it.
    """
    first = [stage.name for stage in run.stages.values() if stage.reads_source and not stage.inputs]
    rows = {name: _rows(run, name) for name in first}
    total = {video for of_stage in rows.values() for video in of_stage}
    readable = {video for of in rows.values() for video, row in of.items() if row.has_artifact}
    lines: list[str] = []
    seen: set[str] = set()
    made: set[str] = set()
    for stage in run.stages.values():
        if stage.is_sharded and set(stage.inputs) & set(first):
            newer_than = [path for name in stage.inputs for path in run.layout.all_ledgers(name)]
            of_stage = _rows(run, stage.name, newer_than)
            of_readable = {name: row for name, row in of_stage.items() if name in readable}
            seen |= of_readable.keys()
            made |= {name for name, row in of_readable.items() if row.has_artifact}
            if (top := _most_frequent(of_readable)) and 2 * top[1] > len(of_readable):
                lines.append(_line(stage.name, of_readable, top))
    usable = readable - (seen - made)
    refused = {
        name: row for of in rows.values() for name, row in of.items() if not row.has_artifact
    }
    looked_at = {name: row for of in rows.values() for name, row in of.items()}
    counts = Counter(row.status for row in refused.values()).most_common(_SHOWN)
    of_first = [_line("", looked_at, top) for top in counts]
    if refused or lines:
        lines = [f"{len(usable)} of {len(total)} videos usable", *of_first, *lines]
    return Usable(len(total), len(usable), tuple(lines))


def forget_nothing(run: Run) -> None:
    """Remove the ledgers without any artifact, so that the next run looks at the videos again.

    The journals stay: it takes no time, unless the configuration or the videos have changed.
    """
    for stage in run.stages.values():
        if stage.is_sharded:
            for path in run.layout.all_ledgers(stage.name):
                if path.exists() and not any(row.has_artifact for row in _read(path).values()):
                    path.unlink()


def _rows(run: Run, stage_name: str, newer_than: Iterable[Path] = ()) -> Rows:
    """Return the rows of the ledgers of a stage that there are.

    newer_than: ledgers of the same shards that the stage reads; an older ledger is out of date.
    """
    times: dict[str, int] = {}
    for path in newer_than:
        if path.exists():
            times[path.name] = max(times.get(path.name, 0), path.stat().st_mtime_ns)
    rows: Rows = {}
    for path in run.layout.all_ledgers(stage_name):
        if path.exists() and path.stat().st_mtime_ns >= times.get(path.name, 0):
            rows |= _read(path)
    return rows


def _read(ledger: Path) -> Rows:
    """Return the rows of a ledger; none of a damaged one, which the jobs that read it report."""
    try:
        return read_rows(ledger)
    except UserError:
        return {}


def _most_frequent(rows: Mapping[str, LedgerEntry]) -> tuple[str, int] | None:
    """Return the most frequent status but "ok", and how often it occurs."""
    counts = Counter(row.status for row in rows.values() if row.status != OK)
    return next(iter(counts.most_common(1)), None)


def _line(stage_name: str, rows: Mapping[str, LedgerEntry], top: tuple[str, int]) -> str:
    status, count = top
    example = next(row for row in rows.values() if row.status == status)
    reason = f" ({example.reason})" if example.reason else ""
    where = f"{stage_name}: " if stage_name else ""
    return f"  {where}{count} of {len(rows)} videos: {status}{reason}, such as {example.video_id}"
