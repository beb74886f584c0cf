"""Writing the outputs of a report: metrics as JSON, tables as CSV, and folders of figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from unmuted.engine.artifacts import atomic
from unmuted.evaluation.schema import write_report
from unmuted.text import cell

# A function writes the path that it is given, such as a folder of figures.
Output = dict[str, Any] | pd.DataFrame | Callable[[Path], None]


def write_output(path: Path, output: Output) -> None:
    """Write one output of a report; metrics are checked against the schema of the file's name."""
    if isinstance(output, pd.DataFrame):
        write_table(path, output)
    elif callable(output):
        output(path)
    else:
        write_report(path, output, f"{path.stem}.schema.yaml")


def table(rows: Any, columns: list[str] | None = None) -> pd.DataFrame:
    """Make a table of rows; values are kept as they are, and missing ones are left empty.

    rows: mappings by column. columns: in their order; by default those of the first row. Raises
    ValueError for a row with a column that is not among them.
    """
    rows = list(rows)
    if columns is not None and (unknown := set().union(*rows) - set(columns)):
        raise ValueError(f"a row has the columns {sorted(unknown)}; expected {', '.join(columns)}")
    return pd.DataFrame(rows, columns=columns, dtype=object)


def write_table(path: Path, rows: pd.DataFrame) -> None:
    """Write a table as CSV, whole or not at all; texts as `cell` makes them safe to open."""
    safe = {_safe(name): _safe_column(column) for name, column in rows.items()}
    with atomic(path) as temporary:
        pd.DataFrame(safe, columns=list(safe)).to_csv(temporary, index=False, lineterminator="\n")


def _safe_column(column: pd.Series) -> pd.Series:
    """Return a column with safe texts; one that has no others is left as it is."""
    values = [_safe(value) for value in column]
    texts = zip(values, column, strict=True)
    if all(value is given or value == given for value, given in texts if isinstance(value, str)):
        return column
    return pd.Series(values, index=column.index, dtype=object)


def _safe(value: Any) -> Any:
    return cell(value) if isinstance(value, str) else value
