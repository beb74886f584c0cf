"""A table as people and spreadsheets write it: encodings, separators, empty columns and rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unmuted.errors import UserError
from unmuted.text import printable

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MARKS = (  # the longer mark first: the one of UTF-32 begins with the one of UTF-16
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
)
_OTHER_FORMATS = {
    b"PK\x03\x04": "a workbook of a spreadsheet",
    b"\xd0\xcf\x11\xe0": "a workbook of a spreadsheet",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a compressed file",
    b"SQLite format 3": "a database",
}
_QUOTED_AFTER_SPACE = re.compile(r'\s+"')


@dataclass(frozen=True)
class Table:
    """The header and the rows of a table, each with the number of the line on which it ends.

    Names of columns have no spaces around them. Columns without name and values are left out, and
    so are rows without values. A row that has not as many cells as the header is None.
    """

    header: list[str]
    rows: list[tuple[int, dict[str, str] | None]]


def read_table(path: Path, source: str, wanted: str) -> Table:
    """Read a table with a header, in UTF-8 or marked UTF-16, with any of `SEPARATORS`.

    source: key of the configuration that names the file, for errors. wanted: name of a column; the
    separator is the first one that gives it. Raises UserError for a file that is no such table.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{source}: cannot read {printable(path)}: {error.strerror}") from error
    for beginning, kind in _OTHER_FORMATS.items():
        if data.startswith(beginning):
            raise UserError(
                f"{printable(path)}: this is {kind}; save it as CSV (UTF-8) and give that"
            )
    text = _decoded(data, path)
    try:
        return _table(_best_lines(text, wanted), path)
    except csv.Error as error:
        raise UserError(f"{printable(path)}: not a valid CSV file: {error}") from error


def _decoded(data: bytes, path: Path) -> str:
    """Return the text; bytes that are not UTF-8 are kept, since they may be in names of files."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is None and data[1:2] == b"\0":
        encoding = "utf-16-le"
    elif encoding is None and data[:1] == b"\0":
        encoding = "utf-16-be"
    elif encoding is None:
        encoding = "utf-8"
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    try:
        return data.decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{printable(path)}: begins like {encoding.upper()} and is not ({error.reason}); save "
            "it as CSV (UTF-8)"
        ) from error


def _best_lines(text: str, wanted: str) -> list[tuple[int, list[str]]]:
    """Return the cells of all lines, by the separator that gives a column of the wanted name."""
    first, _, rest = text.partition("\n")
    skipped = 0
    if re.fullmatch(r"sep=.\r?", first):  # as spreadsheets mark their separator
        text, skipped = rest, 1
    header = text.lstrip("\r\n")
    by_separator = {}
    for separator in SEPARATORS:
        # The header alone decides: a header rarely goes beyond its line, and if so, in quotes.
        line = next(csv.reader(io.StringIO(header, newline=""), delimiter=separator), [])
        by_separator[separator] = [name.strip().strip('"').strip() for name in line]
    separator = next((one for one, names in by_separator.items() if wanted in names), ",")
    lines = _lines(text, separator, skipped)
    if any(_QUOTED_AFTER_SPACE.match(cell) for _, cells in lines for cell in cells):
        lines = _lines(text, separator, skipped, skipinitialspace=True)
    return lines


def _lines(
    text: str, separator: str, skipped: int, skipinitialspace: bool = False
) -> list[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        strict=True,
        skipinitialspace=skipinitialspace,
    )
    return [(skipped + reader.line_num, cells) for cells in reader]


def _table(lines: Sequence[tuple[int, list[str]]], path: Path) -> Table:
    filled = [(line, cells) for line, cells in lines if any(cell.strip() for cell in cells)]
    header = [name.strip() for name in filled[0][1]] if filled else []
    width = len(header)
    kept = [
        place
        for place, name in enumerate(header)
        if name or any(len(cells) > place and cells[place].strip() for _, cells in filled[1:])
    ]
    least = max(kept, default=-1) + 1  # cells that a row must have
    names = [header[place] for place in kept]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{printable(path)}: the column '{printable(twice[0])}' occurs twice"
            + ("" if twice[0] else ": give the columns without a name one, or remove them")
        )
    rows: list[tuple[int, dict[str, str] | None]] = []
    for line, cells in filled[1:]:
        fits = least <= len(cells) and not any(cell.strip() for cell in cells[width:])
        rows.append((line, {header[i]: cells[i] for i in kept} if fits else None))
    return Table(names, rows)
