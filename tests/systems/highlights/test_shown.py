"""The end of `make highlights-demo`: where a reel is, or why there is none."""

from __future__ import annotations

from pathlib import Path

from unmuted.engine.ledger import LedgerEntry, write_rows
from unmuted.systems.highlights.shown import shown_lines

EMPTY = "no moment reaches the threshold of its kind; the best score is 0.3"


def report(**segments: int) -> dict:
    by_match = {
        unit: {"segments": count, "why_none": None if count else EMPTY}
        for unit, count in segments.items()
    }
    return {"reel": {"by_match": by_match}}


def put(results: Path, *names: str) -> None:
    for name in names:
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).touch()


def test_the_first_match_that_has_a_reel_is_named(tmp_path: Path) -> None:
    """The first of all has nothing to show, and the second has a video that cannot be cut."""
    put(tmp_path, "reels/s1/c.mp4", "reels/s0/d.mp4", "timelines/s1/c.png", "timelines/s0/a.png")
    assert shown_lines(report(a=0, b=2, c=1, d=3), tmp_path) == [
        "test match c:",
        f"  {tmp_path / 'reels/s1/c.mp4'}",
        f"  {tmp_path / 'timelines/s1/c.png'}",
        "all of its files, such as highlights.csv: results/by_match/c/FILE, a target",
    ]


def test_without_any_reel_the_reasons_are_said(tmp_path: Path) -> None:
    row = LedgerEntry("b", "unreadable", "the index is damaged", "f", "", 0, 1.0)
    (tmp_path / "reels").mkdir()
    write_rows(tmp_path / "reels" / "s0.ledger.csv", [row])
    assert shown_lines(report(a=0, b=2), tmp_path) == [
        "no test match has a reel:",
        f"  a: {EMPTY}",
        "  b: unreadable the index is damaged",
    ]
    many = shown_lines(report(**{f"m{i:02d}": 0 for i in range(13)}), tmp_path)
    assert len(many) == 12 and many[-1] == "  and 3 more"


def test_a_run_that_was_not_asked_for_reels_says_so(tmp_path: Path) -> None:
    assert shown_lines(report(a=0, b=2), tmp_path) == [
        "no reels were made; the target highlights makes that of a test match"
    ]
