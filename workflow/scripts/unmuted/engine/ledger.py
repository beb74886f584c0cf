"""Ledgers and journals: one row per video and stage, saying what became of it.

The *journal* lies among a shard's artifacts and grows by one line per finished video, so a killed
job resumes where it stopped. The *ledger* is the same table, complete and sorted, written last: it
is the only file of the stage that Snakemake knows.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from unmuted.digests import digest_bytes
from unmuted.engine.artifacts import atomic
from unmuted.errors import UserError
from unmuted.files import read_bytes
from unmuted.text import one_line

LEDGER = ".ledger.csv"  # ending
OK = "ok"
UNFINISHED = "unfinished"  # of a journal: what it held of a video before is being replaced

_VALUES = {
    "video_id": re.compile(r"[^/]+"),
    "status": re.compile(r"[a-z][a-z0-9_]*"),
    "reason": re.compile(r".*"),
    "fingerprint": re.compile(r"[0-9A-Za-z]{0,64}"),
    "digest": re.compile(r"(?:[0-9a-f]{32})?"),
    "bytes": re.compile(r"[0-9]+"),
    "seconds": re.compile(r"[0-9]+\.[0-9]{3}"),
}


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


class DamagedLedger(UserError):
    """A ledger that is not the complete table that its job wrote."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{path}: expected a whole ledger with the columns {', '.join(COLUMNS)}: "
            f"{one_line(problem)}. Run the workflow again: it is repaired from its journal."
        )


def read_rows(path: Path, digest: str | None = None) -> dict[str, LedgerEntry]:
    """Return the rows of a ledger by video id; digest: of the file, where it is known.

    Raises DamagedLedger, naming the file, unless it is what `write_rows` writes, to its last line
    end. Without the digest, rows that are missing altogether are for the caller to find.
    """
    data = read_bytes(path)
    rows, problems = _read(data)
    if digest is not None and digest != digest_bytes(data):
        problems.append("it is not the file that its job wrote")
    names = [row.video_id for row in rows]
    if names != sorted(set(names)):
        problems.append("its rows are not sorted by video id, or name one twice")
    problems += [f"{row.video_id}: no finished row" for row in rows if row.status == UNFINISHED]
    if problems:
        raise DamagedLedger(path, problems[0])
    return {row.video_id: row for row in rows}


def read_journal(path: Path) -> tuple[dict[str, LedgerEntry], list[str]]:
    """Return the rows of a journal by video id, and what is wrong with the file, in words.

    The last row of a video counts. A last line cut short by a kill is nothing wrong: its video is
    computed again. Where something is, rows may be missing, or may be earlier ones of their videos.
    """
    rows, problems = _read(read_bytes(path), may_be_cut=True)
    return {row.video_id: row for row in rows}, problems


def _read(data: bytes, may_be_cut: bool = False) -> tuple[list[LedgerEntry], list[str]]:
    """Return the sound rows of a table in their order, and what is wrong with it."""
    rows: list[LedgerEntry] = []
    problems = []
    # Cut before decoding: a kill may have split the last character as well.
    complete, _, rest = data.rpartition(b"\n")
    if rest and not may_be_cut:
        problems.append("its last line has no end")
    header, *lines = complete.split(b"\n")
    if header.decode("utf-8", "replace") != ",".join(COLUMNS):
        found = header.decode("utf-8", "backslashreplace")
        problems.append(f"found the columns {found}" if header else "found no columns")
    for line in lines:
        try:
            rows.append(_parse(line))
        except (ValueError, csv.Error) as error:
            problems.append(str(error))
    return rows, problems


def format_rows(rows: Iterable[LedgerEntry]) -> str:
    """Return the text of a complete table, sorted by video id."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_format(row) for row in sorted(rows, key=lambda row: row.video_id))
    return text.getvalue()


def write_rows(path: Path, rows: Iterable[LedgerEntry], is_durable: bool = True) -> None:
    """Write a complete table under a temporary name and then in place."""
    with atomic(path, is_durable) as temporary:
        temporary.write_bytes(format_rows(rows).encode())


class Journal:
    """The journal of one shard: read at the start of a job, appended to as videos finish.

    problems: what was wrong with the file, in words; the rows that were sound are there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, LedgerEntry] = {}
        self.problems: list[str] = []
        if path.exists():
            self.rows, self.problems = read_journal(path)
        # Also mends a last line that a kill cut short, so that the next append starts on a new
        # line.
        write_rows(path, self.rows.values(), is_durable=False)

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
            self.append(LedgerEntry(video_id, UNFINISHED, "", "", "", 0, 0.0))

    def replace(self, rows: Mapping[str, LedgerEntry]) -> None:
        """Make `rows` the whole journal (videos that left are dropped)."""
        self.rows = dict(rows)
        write_rows(self.path, self.rows.values())


def _format(row: LedgerEntry) -> tuple[object, ...]:
    values = dict(zip(COLUMNS, astuple(row), strict=True))
    return tuple((values | {"seconds": f"{row.seconds:.3f}"}).values())


def _parse(line: bytes) -> LedgerEntry:
    """Return the row in a line; raises ValueError unless it is one that `_format` writes."""
    cells = next(csv.reader([line.decode("utf-8")], strict=True), [])
    if len(cells) != len(COLUMNS):
        raise ValueError(f"found a row of {len(cells)} cells, {','.join(cells)}")
    values: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
    for column, value in values.items():
        if not _VALUES[column].fullmatch(value) or not value.isprintable():
            raise ValueError(f"found {value!r} for {column}")
    row = LedgerEntry(
        **values | {"bytes": int(values["bytes"]), "seconds": float(values["seconds"])}
    )
    if row.bytes and not row.digest:
        raise ValueError(f"{row.video_id}: found {row.bytes} bytes without a digest")
    return row
