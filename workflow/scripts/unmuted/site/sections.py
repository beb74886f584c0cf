"""What a page of the site is made of: sections with answers, figures, tables, media and notices.

Everything here is plain data. Text may come from strangers: the templates escape all of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from unmuted.text import cell

Level = Literal["alarm", "caution", "note"]


@dataclass(frozen=True)
class Link:
    """A cell that leads to a file beside. address: its path within the site."""

    text: str
    address: str


Cell = str | int | float | bool | Link | None


@dataclass(frozen=True)
class Table:
    """Numbers or words in rows.

    name: of its CSV file, without the suffix; empty where the table has none. columns: their
    headings, with units. rows: raw values, as the CSV has them; the page rounds floats. caption:
    what the table shows.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(
                f"table {self.name or self.caption!r}: a row has {len(wrong[0])} cells, expected "
                f"{len(self.columns)}"
            )

    @property
    def csv(self) -> str:
        """The table as CSV, with full precision and texts that are safe to open in a spreadsheet.

        None is an empty cell.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in (self.columns, *self.rows):
            writer.writerow(map(_plain, row))
        return text.getvalue()


def _plain(value: Cell) -> object:
    """Return a cell as the CSV has it; of a link, the address."""
    if isinstance(value, Link):
        return cell(value.address)
    return cell(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Figure:
    """A picture with its numbers.

    source: a data URI, or the path of a file beside. alt: what it shows, for those who do not see
    it. table: its numbers. narrow: the data URI of the same for a narrow window; without one,
    source is shown there in a box that scrolls. svg: the file of the figure, if it has one.
    is_paper: whether source is drawn on white paper.
    """

    source: str
    alt: str
    caption: str
    table: Table
    narrow: str = ""
    svg: bytes = b""
    is_paper: bool = False


@dataclass(frozen=True)
class Player:
    """A video in a player. source: the path of a file beside. label: what it is, for all."""

    source: str
    label: str
    caption: str = ""


@dataclass(frozen=True)
class Notice:
    """A remark. level: "alarm" (red, at the top of the page), "caution" or "note"."""

    text: str
    level: Level = "note"


@dataclass(frozen=True)
class Answer:
    """What a system was asked, and what its run says.

    question, sentence: in plain words, each one sentence. headroom: what could be gained, and the
    smallest difference that the run could have found; empty where its report has neither.
    """

    question: str
    sentence: str
    headroom: str = ""


@dataclass(frozen=True)
class Block:
    """A part of a section under a heading of its own; whatever of it is there is shown."""

    title: str
    text: str = ""
    figures: Sequence[Figure] = ()
    players: Sequence[Player] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Section:
    """A section of the overview, such as one system.

    key: its anchor, lower-case letters, digits and hyphens.
    """

    key: str
    title: str
    answer: Answer | None = None
    notices: Sequence[Notice] = ()
    blocks: Sequence[Block] = field(default_factory=tuple)
