"""How many videos of a run were usable, and what kept out the others.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unmuted.engine.artifacts import atomic
from unmuted.engine.ledger import OK, LedgerEntry, read_rows
from unmuted.engine.sharded_dataset import RESULTS
from unmuted.errors import UserError
from unmuted.text import cell

if TYPE_CHECKING:
    from unmuted.engine.run import Run

Rows = dict[str, LedgerEntry]
_SHOWN = 3  # reasons of a stage
UNUSABLE = RESULTS / "logs" / "unusable_videos.csv"
_COLUMNS = ("video_id", "stage", "status", "reason")


@dataclass(frozen=True)
class Usable:
    """The videos that were looked at, and those among them that something was made of.

    lines: for the terminal: what kept out the others, and what the stages that read the videos
    next could not make of them; empty if there is nothing of the kind. lost: the rows without an
    artifact by stage, each of the stage that found out.
    """

    total: int
    usable: int
    lines: tuple[str, ...]
    lost: Mapping[str, Rows]

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
    looked_at = {name: row for of_stage in rows.values() for name, row in of_stage.items()}
    readable = {name for of in rows.values() for name, row in of.items() if row.has_artifact}
    lost = {name: _without_artifact(of_stage) for name, of_stage in rows.items()}
    lines = _lines("", {name: row for of in lost.values() for name, row in of.items()}, looked_at)
    expected = run.registry.expected_statuses
    seen: set[str] = set()
    made: set[str] = set()
    for stage in run.stages.values():
        if stage.is_sharded and set(stage.inputs) & set(first):
            newer_than = [path for name in stage.inputs for path in run.layout.all_ledgers(name)]
            of_stage = _rows(run, stage.name, newer_than)
            of_readable = {
                name: row
                for name, row in of_stage.items()
                if name in readable and (row.has_artifact or row.status not in expected)
            }
            seen |= of_readable.keys()
            made |= {name for name, row in of_readable.items() if row.has_artifact}
            lost[stage.name] = _without_artifact(of_readable)
            odd = {name: row for name, row in of_readable.items() if row.status != OK}
            is_most = 2 * len(odd) > len(of_readable)
            lines += _lines(stage.name, odd if is_most else lost[stage.name], of_readable)
    usable = readable - (seen - made)
    if lines:
        lines = [f"{len(usable)} of {len(looked_at)} videos usable", *lines]
        if any(lost.values()):
            lines.append(f"  {UNUSABLE} lists the videos and all reasons")
    return Usable(len(looked_at), len(usable), tuple(lines), lost)


def write_unusable(found: Usable) -> None:
    """List for a person the videos that a stage could not use, with the reasons.

    The list stays where the ledgers are removed because no video was usable.
    """
    if not found.total:
        return
    if not any(found.lost.values()):
        UNUSABLE.unlink(missing_ok=True)
        return
    with atomic(UNUSABLE) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for stage, rows in found.lost.items():
            for name, row in sorted(rows.items()):
                writer.writerow(map(cell, (name, stage, row.status, row.reason)))


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


def _without_artifact(rows: Rows) -> Rows:
    return {name: row for name, row in rows.items() if not row.has_artifact}


def _lines(stage_name: str, lost: Rows, looked_at: Rows) -> list[str]:
    """Return what kept out these videos: the largest counts by reason, in one line if they are few.

    stage_name: empty for the stages that look at the videos first.
    """
    reasons = Counter(map(_kind, lost.values())).most_common()
    if not reasons:
        return []
    where = f"{stage_name}: " if stage_name else ""
    shown = [_described(kind, count, lost) for kind, count in reasons[:_SHOWN]]
    if others := sum(count for _, count in reasons[_SHOWN:]):
        shown.append(f"{others} for {len(reasons) - _SHOWN} other reasons")
    if 2 * len(lost) > len(looked_at):
        return [f"  {where}{one} (of {len(looked_at)} videos)" for one in shown]
    return [f"  {where}{len(lost)} of {len(looked_at)} videos: {'; '.join(shown)}"]


def _kind(row: LedgerEntry) -> tuple[str, str]:
    """Return what rows have in common that are counted together: numbers in reasons may differ."""
    return row.status, re.sub(r"\d+(?:\.\d+)?", "0", row.reason)


def _described(kind: tuple[str, str], count: int, lost: Rows) -> str:
    name, row = min((name, row) for name, row in lost.items() if _kind(row) == kind)
    return f"{count} {row.status}, such as {name}" + (f" ({row.reason})" if row.reason else "")
