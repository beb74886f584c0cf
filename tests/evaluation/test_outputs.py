"""Files of reports: tables have the bytes that the csv module writes, metrics fit their schema."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.evaluation.outputs import table, write_output, write_table
from unmuted.text import cell

COLUMNS = ["name", "value", "note"]
# Without surrogates, which UTF-8 cannot hold, and NaN, which pandas leaves out.
CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.none(),
)
ROWS = st.lists(st.dictionaries(st.sampled_from(COLUMNS), CELLS), max_size=5)


def by_csv_module(rows: Sequence[Mapping[str, object]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(
        {key: cell(value) if isinstance(value, str) else value for key, value in row.items()}
        for row in rows
    )
    return file.getvalue()


@given(ROWS)
def test_a_table_has_the_bytes_that_the_csv_module_writes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("table") / "x.csv"
    write_table(path, table(rows, COLUMNS))
    assert path.read_bytes().decode() == by_csv_module(rows)


def test_integers_stay_integers_where_other_rows_have_none(tmp_path: Path) -> None:
    """A column of numbers with a gap would become one of floats: 1 would be 1.0."""
    write_table(tmp_path / "x.csv", table([{"seed": 1, "p": 0.1 + 0.2}, {"p": 1e-7}]))
    assert (tmp_path / "x.csv").read_text() == "seed,p\n1,0.30000000000000004\n,1e-07\n"


def test_a_row_with_an_unknown_column_is_refused() -> None:
    """Else a misspelt key would be an empty column."""
    with pytest.raises(ValueError, match=r"columns \['accuraci'\]; expected arm, accuracy"):
        table([{"arm": "x", "accuraci": 1}], ["arm", "accuracy"])


def test_an_output_is_written_by_what_it_is(tmp_path: Path) -> None:
    def draw(folder: Path) -> None:
        folder.mkdir()
        (folder / "figure.svg").touch()

    write_output(tmp_path / "x.csv", pd.DataFrame({"a": [1]}))
    assert (tmp_path / "x.csv").read_text() == "a\n1\n"
    write_output(tmp_path / "figures", draw)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["figure.svg"]


def test_metrics_are_checked_against_the_schema_of_their_file_s_name(tmp_path: Path) -> None:
    path = tmp_path / "pilot_metrics.json"
    report = {"schema_version": 1, "system": "pilot", "provenance": {"seeds": [0]}}
    with pytest.raises(ValueError, match=r"departs from pilot_metrics\.schema\.yaml"):
        write_output(path, report)
    assert list(tmp_path.iterdir()) == []
