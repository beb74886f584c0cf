"""Ledgers and journals: what survives a kill, and what is refused by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.engine.ledger import COLUMNS, Journal, LedgerEntry, read_rows, write_rows
from unmuted.errors import UserError
from unmuted.text import one_line

HEADER = ",".join(COLUMNS) + "\n"
ROW = LedgerEntry("clip", "ok", "", "0" * 32, "f" * 32, 1234, 0.25)


def row(video_id: str, **changes: object) -> LedgerEntry:
    return LedgerEntry(**{**vars(ROW), "video_id": video_id, **changes})


ids = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}", fullmatch=True)
rows = st.builds(
    LedgerEntry,
    video_id=ids,
    status=st.sampled_from(["ok", "no_stream", "damaged"]),
    reason=st.text().map(one_line),
    fingerprint=st.text("0123456789abcdef", max_size=32),
    digest=st.text("0123456789abcdef", max_size=32),
    bytes=st.integers(0, 2**50),
    seconds=st.integers(0, 10**9).map(lambda ms: ms / 1000),
)


@given(st.lists(rows, max_size=8))
def test_a_table_reads_back_as_written(tmp_path_factory, table) -> None:
    path = tmp_path_factory.mktemp("ledger") / "x.ledger.csv"
    write_rows(path, table)
    assert read_rows(path) == {row.video_id: row for row in sorted(table, key=lambda r: r.video_id)}
    assert [entry.name for entry in path.parent.iterdir()] == ["x.ledger.csv"]


def test_rows_are_sorted_whatever_order_they_come_in(tmp_path: Path) -> None:
    for name, order in (("a", "zxy"), ("b", "yzx")):
        write_rows(tmp_path / name, [row(video) for video in order])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert list(read_rows(tmp_path / "a")) == ["x", "y", "z"]


@given(st.data())
def test_a_journal_cut_anywhere_keeps_every_complete_row(tmp_path_factory, data) -> None:
    """Also in the middle of a character of several bytes."""
    path = tmp_path_factory.mktemp("journal") / ".journal.csv"
    whole = [row(f"v{i}", reason=f'träge, "Ende" 動作 {i}') for i in range(3)]
    journal = Journal(path)
    for entry in whole:
        journal.append(entry)
    written = path.read_bytes()
    cut = data.draw(st.integers(0, len(written)))
    path.write_bytes(written[:cut])

    complete = written[:cut].count(b"\n") - 1
    mended = Journal(path)
    assert list(mended.rows.values()) == whole[: max(complete, 0)]
    mended.append(row("after"))
    assert read_rows(path)["after"] == row("after")
    assert list(read_rows(path)) == [*mended.rows]


def test_appending_leaves_earlier_rows_readable_at_every_moment(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    for i in range(5):
        journal.append(row(f"v{i}"))
        assert list(read_rows(journal.path)) == [f"v{j}" for j in range(i + 1)]


def test_the_last_row_of_a_video_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    journal.append(row("v", fingerprint="old"))
    journal.append(row("v", fingerprint="new"))
    assert read_rows(journal.path)["v"].fingerprint == "new"


def test_forgetting_voids_a_row_on_disk_and_nothing_else(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    journal.append(row("kept"))
    journal.append(row("gone"))
    journal.invalidate("gone")
    journal.invalidate("never-there")
    found = read_rows(journal.path)
    assert found["kept"] == row("kept")
    assert found["gone"].fingerprint == "" and not found["gone"].has_artifact
    assert set(found) == {"kept", "gone"}


def test_replace_drops_the_rows_of_videos_that_left(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    for video in "abc":
        journal.append(row(video))
    journal.replace({"b": row("b")})
    assert read_rows(journal.path) == {"b": row("b")} == journal.rows


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"id,what\nv,ok\n", "found the columns id, what"),
        (HEADER.encode() + b"v,ok\n", "found a row of 2 cells, v,ok"),
        (HEADER.encode() + b"v,ok,,r,d,many,0.1\n", "'many'"),
        (HEADER.encode() + b"v\xff,ok,,r,d,1,0.1\n", "0xff"),
    ],
)
def test_a_damaged_table_is_refused_by_name(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "x.ledger.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(found)) as error:
        read_rows(path)
    assert str(error.value).startswith(f"{path}: expected a ledger with the columns video_id,")
    assert "Delete this file" in str(error.value)


@given(st.text())
def test_a_reason_is_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 300
    assert line.splitlines() in ([], [line])
    assert one_line(line) == line


def test_a_long_reason_says_that_it_was_cut() -> None:
    assert one_line("x" * 301) == "x" * 299 + "…"
    assert one_line("x" * 300) == "x" * 300
    assert one_line("\u202eevil\r\nrow,ok\x00") == "evil row,ok"


def test_a_write_that_fails_leaves_the_earlier_table(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.csv"
    write_rows(path, [row("v")])

    def broken():
        yield row("w")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_rows(path, broken())
    assert read_rows(path) == {"v": row("v")}
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.ledger.csv"]
