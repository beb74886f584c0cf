"""Ledgers and journals: what survives a kill, and what is refused by name."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.digests import digest_file
from unmuted.engine.ledger import (
    COLUMNS,
    DamagedLedger,
    Journal,
    LedgerEntry,
    read_journal,
    read_rows,
    write_rows,
)
from unmuted.files import NotAFile
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
    digest=st.text("0123456789abcdef", min_size=32, max_size=32),
    bytes=st.integers(0, 2**50),
    seconds=st.integers(0, 10**9).map(lambda ms: ms / 1000),
)


@given(st.lists(rows, max_size=8, unique_by=lambda row: row.video_id))
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
    found, problems = read_journal(path)
    assert found["after"] == row("after") and not problems
    assert list(found) == [*mended.rows]


def test_appending_leaves_earlier_rows_readable_at_every_moment(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    for i in range(5):
        journal.append(row(f"v{i}"))
        assert list(read_journal(journal.path)[0]) == [f"v{j}" for j in range(i + 1)]


def test_the_last_row_of_a_video_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    journal.append(row("v", fingerprint="old"))
    journal.append(row("v", fingerprint="new"))
    assert read_journal(journal.path)[0]["v"].fingerprint == "new"


def test_forgetting_voids_a_row_on_disk_and_nothing_else(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    journal.append(row("kept"))
    journal.append(row("gone"))
    journal.invalidate("gone")
    journal.invalidate("never-there")
    found, _ = read_journal(journal.path)
    assert found["kept"] == row("kept")
    assert found["gone"].fingerprint == "" and not found["gone"].has_artifact
    assert set(found) == {"kept", "gone"}


def test_replace_drops_the_rows_of_videos_that_left(tmp_path: Path) -> None:
    journal = Journal(tmp_path / ".journal.csv")
    for video in "abc":
        journal.append(row(video))
    journal.replace({"b": row("b")})
    assert read_rows(journal.path) == {"b": row("b")} == journal.rows


LINE = f"v,ok,,{'0' * 32},{'f' * 32},12,0.250"
DAMAGE = {
    "": "found no columns",
    "id,what\nv,ok\n": "found the columns id, what".replace(", ", ","),
    HEADER[:-1]: "its last line has no end",
    HEADER + LINE: "its last line has no end",
    HEADER + LINE + "\n\n": "found a row of 0 cells",
    HEADER + "v,ok\n": "found a row of 2 cells, v,ok",
    HEADER + LINE.replace("12", "many") + "\n": "found 'many' for bytes",
    HEADER + LINE.replace("12", "-1") + "\n": "found '-1' for bytes",
    HEADER + LINE.replace("0.250", "nan") + "\n": "found 'nan' for seconds",
    HEADER + LINE.replace("0.250", "0.25") + "\n": "found '0.25' for seconds",
    HEADER + LINE.replace("ok", "OK") + "\n": "found 'OK' for status",
    HEADER + LINE.replace("f" * 32, "f" * 31) + "\n": f"found '{'f' * 31}' for digest",
    HEADER + LINE.replace("f" * 32, "") + "\n": "v: found 12 bytes without a digest",
    HEADER + LINE.replace("v,", "../v,") + "\n": "found '../v' for video_id",
    HEADER + LINE + "\n" + LINE + "\n": "its rows are not sorted by video id, or name one twice",
    HEADER + LINE.replace("v,", "w,") + "\n" + LINE + "\n": "its rows are not sorted",
    HEADER + "v,unfinished,,,,0,0.000\n": "v: no finished row",
    HEADER + LINE + "\n" + "\0" * 40 + "\n": "found a row of 1 cells",
    HEADER + LINE.replace("ok,", 'ok,"a') + "\n": "unexpected end of data",
}


@pytest.mark.parametrize(("content", "found"), DAMAGE.items(), ids=range(len(DAMAGE)))
def test_a_damaged_ledger_is_refused_by_name(tmp_path: Path, content: str, found: str) -> None:
    path = tmp_path / "x.ledger.csv"
    path.write_text(HEADER + LINE + "\n")
    assert list(read_rows(path)) == ["v"]
    path.write_text(content)
    with pytest.raises(DamagedLedger, match=re.escape(found)) as error:
        read_rows(path)
    assert str(error.value).startswith(f"{path}: expected a whole ledger with the columns video_id")
    assert "Run the workflow again" in str(error.value)


def test_a_ledger_that_is_whole_but_another_is_told_by_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "x.ledger.csv"
    write_rows(path, [row("a"), row("b")])
    digest = digest_file(path)
    assert list(read_rows(path, digest)) == ["a", "b"]
    write_rows(path, [row("a")])
    with pytest.raises(DamagedLedger, match="not the file that its job wrote"):
        read_rows(path, digest)


def test_sound_rows_of_a_damaged_journal_are_kept_and_the_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".journal.csv"
    lines = [HEADER, LINE + "\n", "\0" * 30 + "\n", LINE.replace("v,", "w,") + "\n"]
    path.write_text("".join(lines))
    journal = Journal(path)
    assert list(journal.rows) == ["v", "w"] and len(journal.problems) == 1
    assert not Journal(path).problems  # mended


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused_by_name_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.ledger.csv"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    for read in (read_rows, read_journal):
        with pytest.raises(NotAFile, match=f"x.ledger.csv: expected a file, found a .*{kind}"):
            read(path)


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
