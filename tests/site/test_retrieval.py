"""The overview says how good retrieved sounds are, as the report does."""

from __future__ import annotations

import pytest

from unmuted.site.retrieval import NAMES, retrieval_block


def test_the_table_has_the_numbers_of_the_report() -> None:
    found = {key: {"value": i / 10, "ci95": [i / 20, i / 5]} for i, key in enumerate(NAMES, 1)}
    quality = {"clips": 12, "library": {"sounds": 34}, **found}
    block = retrieval_block(quality)
    (table,) = block.tables
    assert [row[0] for row in table.rows] == list(NAMES.values())
    for i, row in enumerate(table.rows, 1):
        assert row[1:] == pytest.approx([10 * i, 5 * i, 20 * i])
    assert "12 clips, 34 training sounds" in table.caption
    assert "retrieved, not generated" in block.text


def test_without_test_sound_it_says_so() -> None:
    quality = {"clips": 0, "library": {"sounds": 34}, **dict.fromkeys(NAMES)}
    block = retrieval_block(quality)
    assert not block.tables and "No test clip has usable sound" in block.text
