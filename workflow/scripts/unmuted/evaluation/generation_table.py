"""The figures of generated audio, next to those of its baselines, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

KINDS = {"r2": "R2", "r2_over_time": "over time", "r2_within_class": "within class"}
HEAD = ("explained share of real audio", *KINDS.values())

Row = tuple[str, ...]


def figure_rows(figures: Mapping[str, Any], name: str = "generated") -> Iterator[Row]:
    """Yield a row for generated audio, and two for each baseline: its figures, and how they differ.

    figures: as in the schema's `generation_figures`. A value with its interval is one cell.
    """
    yield (name, *(_cell(figures[kind]["value"], figures[kind]["ci95"]) for kind in KINDS))
    for baseline, of_baseline in figures["baselines"].items():
        cells = [of_baseline[kind] for kind in KINDS]
        yield (f"  {baseline}", *(_cell(cell["value"], cell["ci95"]) for cell in cells))
        less = [cell["difference"] for cell in cells]
        yield ("    generated - it", *(_cell(one["delta"], one["ci95"], "+") for one in less))


def _cell(value: float | None, ci95: list[float] | None, sign: str = "") -> str:
    if value is None or ci95 is None:
        return "none"
    low, high = (f"{end:{sign}.3f}" for end in ci95)
    return f"{value:{sign}.3f} [{low}, {high}]"
