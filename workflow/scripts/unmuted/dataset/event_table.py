"""Labelled events as a table: CSV with the columns time and kind, and optionally half, visibility.

The time is in seconds, or as minutes and seconds, since the start of the half's video.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from unmuted.dataset.bounded_files import read_small_file
from unmuted.dataset.events import KINDS, Event
from unmuted.dataset.labels import (
    LARGEST_FILE,
    MOST_ENTRIES,
    Labels,
    UnknownKind,
    checked_label,
    collect_labels,
)
from unmuted.dataset.match_time import parse_time, time_text
from unmuted.dataset.soccernet_labels import VISIBILITIES
from unmuted.dataset.table import read_table
from unmuted.errors import UserError
from unmuted.text import cell, one_line, printable, uncell

COLUMNS = ("time", "kind", "half", "visibility")
REQUIRED = ("time", "kind")


def read_event_table(path: Path, kinds: Collection[str] = KINDS, half: int = 1) -> Labels:
    """Read a table of events; a row without visibility is visible.

    half: of rows that name none. kinds: those that the run knows; rows with others are counted.
    Raises UserError for a file that is no such table, and one that lists every row that is not
    valid.
    """
    read_small_file(path, LARGEST_FILE, "a table of events")  # refuses what is too large
    table = read_table(path, "events", "time")
    for column in REQUIRED:
        if column not in table.header:
            raise UserError(
                f"{printable(path)}: expected the columns time and kind, and optionally half and "
                f"visibility, found {printable(one_line(', '.join(table.header))) or 'none'}"
            )
    if len(table.rows) > MOST_ENTRIES:
        raise UserError(
            f"{printable(path)}: expected at most {MOST_ENTRIES:,} rows, found "
            f"{len(table.rows):,}; is this the right file?"
        )
    rows = ((f"line {line}", partial(_event, row, kinds, half)) for line, row in table.rows)
    return collect_labels(path, rows)


def event_table_text(events: Iterable[Event]) -> str:
    """Return the text of a table with all four columns, in the order given."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for event in events:
        seen = "visible" if event.is_shown else "not shown"
        writer.writerow([time_text(event.milliseconds), cell(event.kind), event.half, seen])
    return text.getvalue()


def _event(row: Mapping[str, str] | None, kinds: Collection[str], default_half: int) -> Event:
    """Return the event of a row. Raises UnknownKind and ValueError."""
    if row is None:
        raise ValueError("more or fewer fields than the header names")
    kind = checked_label(uncell(row["kind"].strip()))
    if kind not in kinds:
        raise UnknownKind(kind)
    time = parse_time(row["time"])
    if time is None:
        raise ValueError(
            "time: expected seconds such as 75.2 or minutes and seconds such as 1:15.2, found "
            f"{_shown(row['time'])}"
        )
    half = row.get("half", "").strip() or str(default_half)
    if not (half.isascii() and half.isdigit() and len(half) == 1):
        raise ValueError(f"half: expected 1 or 2, found {_shown(half)}")
    visibility = row.get("visibility", "").strip() or "visible"
    if visibility not in VISIBILITIES:
        raise ValueError(
            f"visibility: expected {' or '.join(map(repr, VISIBILITIES))}, "
            f"found {_shown(visibility)}"
        )
    return Event(int(half), time, kind, VISIBILITIES[visibility])


def _shown(text: str) -> str:
    return f"'{printable(one_line(text, 60))}'"
