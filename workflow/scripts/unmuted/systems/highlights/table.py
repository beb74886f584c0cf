"""The metrics of highlights as a short table for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MEASURES = {"tight": "tight mAP", "loose": "loose mAP", "f1_5s": "F1 at 5 s"}
_WIDTH = 24  # of a column with a figure and its interval


def format_highlights(report: Mapping[str, Any]) -> str:
    """Format arms with their means and 95 % intervals, what chance gives, contrasts, and reels.

    Arms are means over seeds. Of ensembles the one is shown that the files of matches are made of.
    report: content of results/highlights_metrics.json.
    """
    arms = {**report["arms"]} | ({"loudness": report["loudness"]} if report["loudness"] else {})
    rows = {
        name: [_with_interval(arm.get(measure)) for measure in MEASURES]
        for name, arm in arms.items()
    }
    if (ensemble := report["ensembles"].get(report["reel"]["arm"])) is not None:
        cells = [_with_interval(ensemble[measure], "value") for measure in MEASURES]
        rows[f"{report['reel']['arm']}, ensemble"] = cells
    for rule in dict.fromkeys(rule for found in report["chance"].values() for rule in found):
        values = [report["chance"].get(measure, {}).get(rule) for measure in MEASURES]
        rows[f"chance {rule}"] = ["-" if value is None else f"{value:.3f}" for value in values]
    width = max(map(len, rows)) + 2
    lines = [_line("", list(MEASURES.values()), width)]
    lines += [_line(name, cells, width) for name, cells in rows.items()]
    lines += ["", *_contrasts(report["contrasts"]), *_reel(report["reel"]), *report["notes"]]
    return "\n".join(lines) + "\n"


def _contrasts(contrasts: Mapping[str, Any]) -> list[str]:
    """Return a line for each contrast in points of tight mAP, the primary one first."""
    if not contrasts:
        return []
    width = max(map(len, contrasts)) + 2
    lines = ["contrast".ljust(width) + "points of tight mAP, 95 % interval"]
    for name, one in sorted(contrasts.items(), key=lambda item: not item[1]["primary"]):
        low, high = (100 * bound for bound in one["ci95"])
        words = f"primary, {one['verdict']}" if one["primary"] else one["verdict"]
        points = f"{100 * one['delta']:+.1f} [{low:+.1f}, {high:+.1f}]"
        lines.append(f"{name.ljust(width)}{points.ljust(24)}p {one['p_adjusted']:.3f}, {words}")
    return [*lines, ""]


def _reel(reel: Mapping[str, Any]) -> list[str]:
    if reel["recall"] is None or reel["precision"] is None:
        return []
    return [
        f"reels of {reel['arm']}: {100 * reel['recall']:.0f} % of {reel['shown_events']} shown "
        f"events lie in one of {reel['segments']} segments; an event happens in "
        f"{100 * reel['precision']:.0f} % of these"
    ]


def _line(name: str, cells: Sequence[str], width: int) -> str:
    return (name.ljust(width) + "".join(cell.ljust(_WIDTH) for cell in cells)).rstrip()


def _with_interval(found: Mapping[str, Any] | None, key: str = "mean") -> str:
    """Return a figure with its interval, such as `0.612 [0.571, 0.650]`."""
    if found is None or found.get(key) is None:
        return "-"
    low, high = found["ci95"]
    return f"{found[key]:.3f} [{low:.3f}, {high:.3f}]"
