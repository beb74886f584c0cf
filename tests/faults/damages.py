"""Kinds of damage to a file: what disks, editors, careless copies and hands do to results."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

SECRET = "SECRET-of-another-file"  # stands in the file that links lead to

Damage = Callable[[Path, random.Random], None]


def truncated(path: Path, rng: random.Random) -> None:
    """Cut the end off."""
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(1, max(2, len(data)))])


def flipped_bit(path: Path, rng: random.Random) -> None:
    """Flip one bit, the size stays."""
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def zeros_at_the_end(path: Path, rng: random.Random) -> None:
    """Make the second half zeros, as a power loss does."""
    data = path.read_bytes()
    kept = rng.randrange(len(data))
    path.write_bytes(data[:kept] + bytes(len(data) - kept))


def emptied(path: Path, rng: random.Random) -> None:
    """Leave no byte."""
    path.write_bytes(b"")


def garbage(path: Path, rng: random.Random) -> None:
    """Replace all bytes by random ones."""
    size = path.stat().st_size if path.exists() else 40
    path.write_bytes(rng.randbytes(max(1, size)))


def longer(path: Path, rng: random.Random) -> None:
    """Append random bytes."""
    with open(path, "ab") as file:
        file.write(rng.randbytes(rng.randrange(1, 200)))


def swapped(path: Path, rng: random.Random) -> None:
    """Exchange the file with another one, of its kind if there is one."""
    files = [other for other in sorted(_results(path).rglob("*")) if other.is_file()]
    others = [other for other in files if other.read_bytes() != path.read_bytes()]
    alike = [other for other in others if other.name.endswith(_ending(path))]
    other = rng.choice(alike or others)
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def deleted(path: Path, rng: random.Random) -> None:
    """Remove the file."""
    path.unlink()


def a_folder(path: Path, rng: random.Random) -> None:
    """Put a folder into the place of the file, at times one that is not empty."""
    path.unlink(missing_ok=True)
    path.mkdir()
    if rng.random() < 0.5:
        (path / "notes.txt").write_text("somebody's\n")


def a_pipe(path: Path, rng: random.Random) -> None:
    """Put a named pipe there, on which a reader waits for ever."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def a_link_to_a_copy(path: Path, rng: random.Random) -> None:
    """Move the file elsewhere and link to it."""
    moved = _elsewhere(path)
    shutil.move(path, moved)
    path.symlink_to(moved)


def a_link_to_another_file(path: Path, rng: random.Random) -> None:
    """Link to a foreign file."""
    secret = _elsewhere(path)
    secret.write_text(f"{SECRET}\n{SECRET}\n")
    path.unlink(missing_ok=True)
    path.symlink_to(secret)


def a_link_to_nothing(path: Path, rng: random.Random) -> None:
    """Link to a file that does not exist."""
    path.unlink(missing_ok=True)
    path.symlink_to(path.with_name("no-such-file"))


def without_last_line_end(path: Path, rng: random.Random) -> None:
    """Remove the last line end of a table."""
    path.write_bytes(path.read_bytes().rstrip(b"\n"))


def another_header(path: Path, rng: random.Random) -> None:
    """Change the names of columns, remove them, or leave them alone in the file."""
    header, *rows = path.read_bytes().splitlines(keepends=True)
    changed = [header.replace(b"i", b"j", 1)], [], [b"\n", header]
    path.write_bytes(b"".join([*rng.choice(changed), *rows] if rng.random() < 0.8 else [header]))


def a_lost_row(path: Path, rng: random.Random) -> None:
    """Remove a row of a table."""
    header, *rows = path.read_bytes().splitlines(keepends=True)
    rows.pop(rng.randrange(len(rows)))
    path.write_bytes(b"".join([header, *rows]))


def a_foreign_row(path: Path, rng: random.Random) -> None:
    """Add a row of a video that is not there."""
    header, *rows = path.read_bytes().splitlines(keepends=True)
    row = rng.choice(rows)
    first, comma, rest = row.partition(b",")
    path.write_bytes(b"".join([header, *rows, first + b"x" + comma + rest]))


def a_changed_cell(path: Path, rng: random.Random) -> None:
    """Exchange a cell of a table for the one of another row, or for a word."""
    header, *rows = path.read_bytes().splitlines(keepends=True)
    one, other = rng.randrange(len(rows)), rng.randrange(len(rows))
    cells, theirs = rows[one].rstrip(b"\n").split(b","), rows[other].rstrip(b"\n").split(b",")
    column = rng.randrange(min(len(cells), len(theirs)))
    changed = theirs[column] if theirs[column] != cells[column] else b"nonsense"
    cells[column] = changed
    rows[one] = b",".join(cells) + b"\n"
    path.write_bytes(b"".join([header, *rows]))


def _elsewhere(path: Path) -> Path:
    """Return a place outside results/ for what a link leads to."""
    folder = _results(path).with_name("elsewhere")
    folder.mkdir(exist_ok=True)
    return folder / path.name.lstrip(".")


def _results(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.name == "results")


def _ending(path: Path) -> str:
    """Return what the names of files of the same kind end with."""
    return path.name if path.name.startswith(".") else "".join(path.suffixes[-2:])


PLANTED: tuple[Damage, ...] = (a_folder, a_pipe, a_link_to_another_file, a_link_to_nothing, garbage)
ANY: tuple[Damage, ...] = (
    *(truncated, flipped_bit, zeros_at_the_end, emptied, longer, swapped, deleted),
    *(a_link_to_a_copy, *PLANTED),
)
OF_TABLES: tuple[Damage, ...] = (
    *(without_last_line_end, another_header, a_lost_row, a_foreign_row, a_changed_cell),
)
