"""Ledgers and journals: one row per video and stage, saying what became of it.

The *journal* lies among a shard's artifacts and grows by one line per finished video, so a killed
job resumes where it stopped. The *ledger* is the same table, complete and sorted, written last: it
is the only file of the stage that Snakemake knows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from unmuted.engine.artifacts import atomic
from unmuted.errors import UserError
from unmuted.text import one_line

OK = "ok"


@dataclass(frozen=True)
class LedgerEntry:
    """What one stage made of one video.

    video_id: the video, or the name of a fit. status: "ok" or a short word for what is wrong.
    reason: one line for people. fingerprint: see `unmuted.engine.fingerprints`. digest: of the
    artifact's content, empty when there is none. bytes: its size. seconds: time it took to make.
    """

    video_id: str
    status: str
    reason: str
    fingerprint: str
    digest: str
    bytes: int
    seconds: float

    @property
    def has_artifact(self) -> bool:
        """Whether there is an artifact."""
        return bool(self.digest)


COLUMNS = tuple(field.name for field in fields(LedgerEntry))


def read_rows(path: Path) -> dict[str, LedgerEntry]:
    """Return the rows of a ledger or journal by video id; the last row of a video counts.

    A line cut short by a kill (only ever the last one) is ignored: its video is computed again.
    Raises UserError for a file that is damaged in any other way.
    """
    # Cut before decoding: a kill may have split the last character as well.
    complete, _, _ = path.read_bytes().rpartition(b"\n")
    try:
        lines = [line for line in csv.reader(complete.decode("utf-8").split("\n")) if line]
        if lines and tuple(lines[0]) != COLUMNS:
            raise ValueError(f"found the columns {', '.join(lines[0])}")
        rows = [_parse(line) for line in lines[1:]]
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"{path}: expected a ledger with the columns {', '.join(COLUMNS)}: "
            f"{one_line(str(error))}. Delete this file; the next run makes it again."
        ) from error
    return {row.video_id: row for row in rows}


def write_rows(path: Path, rows: Iterable[LedgerEntry]) -> None:
    """Write a complete table, sorted by video id, under a temporary name and then in place."""
    with atomic(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_format(row) for row in sorted(rows, key=lambda row: row.video_id))


class Journal:
    """The journal of one shard: read at the start of a job, appended to as videos finish."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, LedgerEntry] = read_rows(path) if path.exists() else {}
        # Also mends a last line that a kill cut short, so that the next append starts on a new
        # line.
        write_rows(path, self.rows.values())

    def append(self, row: LedgerEntry) -> None:
        """Record one finished video; a single short write, so a kill cannot damage earlier rows."""
        self.rows[row.video_id] = row
        with open(self.path, "a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(_format(row))

    def invalidate(self, video_id: str) -> None:
        """Void an earlier row before its artifact is replaced.

        So a kill between the two leaves no row that speaks of another file, also where the
        fingerprint of that row comes back later.
        """
        if video_id in self.rows:
            self.append(LedgerEntry(video_id, "unfinished", "", "", "", 0, 0.0))

    def replace(self, rows: Mapping[str, LedgerEntry]) -> None:
        """Make `rows` the whole journal (videos that left are dropped)."""
        self.rows = dict(rows)
        write_rows(self.path, self.rows.values())


def _format(row: LedgerEntry) -> tuple[object, ...]:
    values = dict(zip(COLUMNS, astuple(row), strict=True))
    return tuple((values | {"seconds": f"{row.seconds:.3f}"}).values())


def _parse(line: list[str]) -> LedgerEntry:
    if len(line) != len(COLUMNS):
        raise ValueError(f"found a row of {len(line)} cells, {','.join(line)}")
    values: dict[str, Any] = dict(zip(COLUMNS, line, strict=True))
    return LedgerEntry(
        **values | {"bytes": int(values["bytes"]), "seconds": float(values["seconds"])}
    )
