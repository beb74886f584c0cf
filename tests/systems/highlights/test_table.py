"""The table that `make highlights-demo` ends with."""

from __future__ import annotations

from unmuted.systems.highlights.table import format_highlights


def test_arms_have_intervals_and_stand_above_chance() -> None:
    tight = {"mean": 0.6123, "ci95": [0.57, 0.65]}
    report = {
        "arms": {"both": {"tight": tight, "loose": None, "f1_5s": tight}},
        "loudness": {"tight": {"mean": None}},
        "chance": {"tight": {"random_20": 0.05}, "loose": {"random_20": 0.3}},
    }
    header, *rows = format_highlights(report).splitlines()
    assert header.split("  ")[-1].strip() == "F1 at 5 s"
    assert [row.split() for row in rows] == [
        *(["both", "0.612", "[0.570,", "0.650]", "-", "0.612", "[0.570,", "0.650]"],),
        ["loudness", "-", "-", "-"],
        ["chance", "random_20", "0.050", "0.300", "-"],
    ]
