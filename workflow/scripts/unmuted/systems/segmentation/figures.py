"""The figures of the report: arms with their intervals, and what missing sound costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    GREY,
    MARKERS,
    Band,
    Row,
    Rows,
    curves_height,
    draw_band,
    label_heights,
    name_below,
    narrow_figure,
    new_figure,
    percent_axis,
    sample_size,
    save,
    shorten,
    styled,
)

BOUND = 0.5  # of whatever ignores the sound, on A/B pairs
NAMES = {"ab_iou": "IoU on A/B pairs", "strict_iou": "strict IoU"}
SUFFIXES = (".svg", ".png")


def draw_figures(report: Mapping[str, Any], folder: Path) -> None:
    """Write the figures of a report into a folder: `arms` and `missing_sound`, SVG and PNG."""
    data, seeds = report["data"], report["provenance"]["seeds"]
    caption = sample_size(data["clips"], data["sources"], len(seeds))
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "arms": arms_figure(report, caption),
        "missing_sound": missing_figure(report, caption),
    }
    for name, figure in figures.items():
        for suffix in SUFFIXES:
            save(figure, folder / f"{name}{suffix}")


@styled
def arms_figure(report: Mapping[str, Any], caption: str, is_narrow: bool = False) -> Figure:
    """Draw the headline measure of every arm that has it, with its interval."""
    headline = report["headline"]
    found = {name: arm[headline] for name, arm in report["arms"].items() if arm[headline]}
    rows = Rows([_row(name, one) for name, one in found.items()], is_narrow)
    title = f"{NAMES[headline]} of the arms"
    caption = f"Marks: mean over seeds with 95 % interval. {_about_bound(headline)}{caption}"
    if is_narrow:
        figure = narrow_figure(0.8 + rows.height, title, caption)
    else:
        figure = new_figure(8.5, 2.1 + rows.height, title, caption)
    axis = figure.subplots()
    for row, measured in enumerate(found.values()):
        axis.plot(measured["ci95"], [row, row], color=COLOURS[0], lw=2, solid_capstyle="butt")
        axis.plot([measured["mean"]], [row], "o", ms=7, color=COLOURS[0])
    rows.label(axis)
    axis.set_xlim(0, 1)
    if headline == "ab_iou":
        axis.axvline(BOUND, color=GREY, lw=1, ls="--", zorder=1)
    axis.set_xlabel(NAMES[headline])
    percent_axis(axis, "x")
    axis.grid(axis="x")
    return figure


def _row(name: str, measured: Mapping[str, Any]) -> Row:
    low, high = measured["ci95"]
    words = f"{100 * measured['mean']:.1f} %  [{100 * low:.1f}, {100 * high:.1f}]"
    return Row(shorten(name), words)


@styled
def missing_figure(report: Mapping[str, Any], caption: str, is_narrow: bool = False) -> Figure:
    """Draw the headline measure over the share of clips that have lost their sound."""
    missing, headline = report["missing"], report["headline"]
    bands = {
        name: band
        for name, curve in missing["curves"].items()
        if (band := _band(curve[headline])) is not None
    }
    title = f"{NAMES[headline]} as test clips lose their sound"
    caption = f"Lines: mean over seeds; bands: 95 % intervals. {_about_bound(headline)}{caption}"
    if is_narrow:
        figure = narrow_figure(curves_height(len(bands)), title, caption)
    else:
        figure = new_figure(7.4, 5.4, title, caption)
    axis = figure.subplots()
    axis.set_ylim(0, 1)
    rates = missing["rates"]
    lines = [_draw_line(axis, rates, i, *named) for i, named in enumerate(bands.items())]
    if headline == "ab_iou":
        axis.axhline(BOUND, color=GREY, lw=1, ls="--", zorder=1)
    if is_narrow:
        name_below(axis, lines, [shorten(name) for name in bands])
    else:
        _label_ends(axis, rates, bands)
    of = "" if is_narrow else ", and what stands in for it"
    axis.set_xlabel(f"Share of test clips without their sound{of}")
    axis.set_ylabel(NAMES[headline])
    for which in ("x", "y"):
        percent_axis(axis, which)
    axis.grid(axis="y")
    return figure


def _draw_line(axis: Axes, rates: Sequence[float], number: int, name: str, band: Band) -> Line2D:
    colour, line = _look(number, name)
    marker = MARKERS[number % len(MARKERS)]
    return draw_band(axis, rates, band, colour, marker, shade=0.08, size=5, line=line)


def _look(number: int, name: str) -> tuple[str, str]:
    """Return colour and line; arms that read the picture alone are black."""
    return (BLACK, ":") if name.endswith(".own") else (COLOURS[number % len(COLOURS)], "-")


def _band(curve: Sequence[Mapping[str, Any] | None]) -> Band | None:
    found = [point for point in curve if point is not None]
    if len(found) < len(curve):
        return None
    ends = [[point["ci95"][i] for point in found] for i in (0, 1)]
    return Band([point["mean"] for point in found], *ends)


def _label_ends(axis: Axes, rates: Sequence[float], bands: Mapping[str, Band]) -> None:
    if not bands:
        return
    heights = label_heights(axis, bands.values(), 0.05)
    for i, (name, height) in enumerate(zip(bands, heights, strict=True)):
        place = (rates[-1], height)
        colour, _ = _look(i, name)
        axis.annotate(
            shorten(name), place, (6, 0), textcoords="offset points", va="center", color=colour
        )


def _about_bound(headline: str) -> str:
    return "Dashed: what ignores the sound has at most this. " if headline == "ab_iou" else ""
