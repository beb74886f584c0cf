"""The overview says how good retrieved sounds are, as the report does."""

from __future__ import annotations

import pytest

from unmuted.site.retrieval import NAMES, retrieval_block


def test_the_table_has_the_numbers_of_the_report() -> None:
    found = {key: {"value": i / 10, "ci95": [i / 20, i / 5]} for i, key in enumerate(NAMES, 1)}
    quality = {"clips": 12, "test_groups": 6, "library": {"sounds": 34}, **found}
    block = retrieval_block(quality)
    (table,) = block.tables
    assert [row[0] for row in table.rows] == list(NAMES.values())
    for i, row in enumerate(table.rows, 1):
        assert row[1:4] == pytest.approx([10 * i, 5 * i, 20 * i])
    units = {row[0]: row[4] for row in table.rows}
    assert [units[name] for name in NAMES.values()] == [
        *("% of clips", "% of clips", "points", "% of clips")
    ]
    assert "12 clips of 6 groups, 34 training sounds" in table.caption
    assert "best" not in str(table)
    assert "retrieved, not generated" in block.text


def test_without_test_sound_it_says_so() -> None:
    quality = {"clips": 0, "test_groups": 0, "library": {"sounds": 34}, **dict.fromkeys(NAMES)}
    block = retrieval_block(quality)
    assert not block.tables and "No test clip has usable sound" in block.text


def test_few_groups_have_no_interval() -> None:
    found = {key: {"value": 0.5, "ci95": [0.5, 0.5]} for key in NAMES}
    quality = {"clips": 12, "test_groups": 5, "library": {"sounds": 34}, **found}
    block = retrieval_block(quality)
    assert "cannot be shown with 5 groups" in block.text
    assert all(row[2:4] == [None, None] for row in block.tables[0].rows)
