"""A file of labels, read by its format: JSON as SoccerNet writes it, or a table of events."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from unmuted.dataset.event_table import read_event_table
from unmuted.dataset.events import KINDS
from unmuted.dataset.labels import Labels
from unmuted.dataset.soccernet_labels import read_soccernet_labels
from unmuted.errors import UserError
from unmuted.text import printable

READERS: dict[str, Callable[[Path, Collection[str], int], Labels]] = {
    ".json": lambda path, kinds, half: read_soccernet_labels(path, kinds),
    **dict.fromkeys((".csv", ".tsv", ".txt"), read_event_table),
}


def read_labels(path: Path, kinds: Collection[str] = KINDS, half: int = 1) -> Labels:
    """Read Labels-v2.json, Labels.json or a table. Raises UserError, also for another suffix.

    half: of the rows of a table that name none.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{printable(path)}: expected labels as SoccerNet's JSON or as a CSV with the columns "
            f"time and kind, found a file named {printable(path.name)}; give it the suffix .json "
            "or .csv"
        )
    return reader(path, kinds, half)
