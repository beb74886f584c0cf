"""The metrics of highlights as a short table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MEASURES = {"tight": "tight mAP", "loose": "loose mAP", "f1_5s": "F1 at 5 s"}
SHOWN = ("reel.mp4", "timeline.png", "highlights.csv")  # of a match, whose paths are named
_WIDTH = 24  # of a column with a figure and its interval


def format_highlights(report: Mapping[str, Any]) -> str:
    """Format arms with their means and 95 % intervals, then what chance gives.

    report: content of results/highlights_metrics.json.
    """
    arms = {**report["arms"]} | ({"loudness": report["loudness"]} if report["loudness"] else {})
    rows = {
        name: [_with_interval(arm.get(measure)) for measure in MEASURES]
        for name, arm in arms.items()
    }
    for rule in dict.fromkeys(rule for found in report["chance"].values() for rule in found):
        values = [report["chance"].get(measure, {}).get(rule) for measure in MEASURES]
        rows[f"chance {rule}"] = ["-" if value is None else f"{value:.3f}" for value in values]
    width = max(map(len, rows)) + 2
    lines = [_line("", list(MEASURES.values()), width)]
    lines += [_line(name, cells, width) for name, cells in rows.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, cells: Sequence[str], width: int) -> str:
    return (name.ljust(width) + "".join(cell.ljust(_WIDTH) for cell in cells)).rstrip()


def _with_interval(found: Mapping[str, Any] | None) -> str:
    """Return a mean with its interval, such as `0.612 [0.571, 0.650]`."""
    if found is None or found.get("mean") is None:
        return "-"
    low, high = found["ci95"]
    return f"{found['mean']:.3f} [{low:.3f}, {high:.3f}]"
