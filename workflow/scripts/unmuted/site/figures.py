"""Figures that the sections of several systems share."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    FAINT,
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
    shorten,
    styled,
)


@dataclass(frozen=True)
class Dot:
    """A value with its interval, or without one where low and high are None; shares."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class CalibrationError:
    """The expected calibration error of an arm, and of each seed.

    by_luck: what classifiers that are calibrated would have on as many clips. All are shares.
    """

    name: str
    mean: float
    by_luck: float
    per_seed: Sequence[float] = ()


@styled
def dot_plot(
    dots: Sequence[Dot], title: str, label: str, caption: str, is_narrow: bool = False
) -> Figure:
    """Draw values with their intervals from top to bottom; label: of the axis of shares."""
    rows = Rows([_dot_row(dot) for dot in dots], is_narrow)
    if is_narrow:
        figure = narrow_figure(0.8 + rows.height, title, caption)
    else:
        figure = new_figure(8.5, 1.9 + rows.height, title, caption)
    axis = figure.add_subplot()
    for row, dot in enumerate(dots):
        colour = GREY if dot.low is None else COLOURS[0]
        if dot.low is not None and dot.high is not None:
            axis.plot([dot.low, dot.high], [row, row], color=colour, lw=2, solid_capstyle="butt")
        axis.plot([dot.value], [row], "o", ms=7.5, color=colour)
    rows.label(axis)
    axis.set_xlabel(textwrap.fill(label, 40) if is_narrow else label)
    axis.grid(axis="x")
    percent_axis(axis, "x")
    return figure


def _dot_row(dot: Dot) -> Row:
    words = f"{100 * dot.value:.1f} %"
    if dot.low is not None and dot.high is not None:
        words += f"  [{100 * dot.low:.1f}, {100 * dot.high:.1f}]"
    return Row(shorten(dot.name), words)


@styled
def curves(
    at: Sequence[float],
    lines: Mapping[str, Band],
    title: str,
    labels: tuple[str, str],
    caption: str,
    order: Sequence[str] = (),
    is_narrow: bool = False,
) -> Figure:
    """Draw lines with their intervals over shares; labels: of the horizontal and vertical axis.

    order: names whose lines have the same looks in several figures; those of `lines` by default.
    is_narrow: for a telephone.
    """
    places = {name: place for place, name in enumerate(order or lines)}
    if is_narrow:
        figure = narrow_figure(curves_height(len(lines)), title, caption)
    else:
        figure = new_figure(7.4, 5.4, title, caption)
    axis = figure.subplots()
    low = min(min(band.low) for band in lines.values())
    high = max(max(band.high) for band in lines.values())
    margin = 0.04 * (high - low) or 0.01
    axis.set_ylim(low - margin, high + margin)
    drawn = [_draw_line(axis, at, band, places[name]) for name, band in lines.items()]
    if is_narrow:
        name_below(axis, drawn, [shorten(name) for name in lines])
    else:
        _label_ends(axis, at[-1], lines, places)
    axis.set_xticks(at)
    axis.set_xlabel(labels[0])
    axis.set_ylabel(labels[1])
    axis.grid(axis="y")
    for which in ("x", "y"):
        percent_axis(axis, which)
    return figure


def _draw_line(axis: Axes, at: Sequence[float], band: Band, number: int) -> Line2D:
    marker, line = MARKERS[number % len(MARKERS)], "-" if number < len(COLOURS) else "-."
    colour = COLOURS[number % len(COLOURS)]
    return draw_band(axis, at, band, colour, marker, shade=0.08, size=5, line=line)


def _label_ends(
    axis: Axes, end: float, lines: Mapping[str, Band], places: Mapping[str, int]
) -> None:
    heights = label_heights(axis, lines.values(), 0.05)
    for name, height in zip(lines, heights, strict=True):
        axis.annotate(
            shorten(name, 24),
            (end, height),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=COLOURS[places[name] % len(COLOURS)],
            annotation_clip=False,
        )


@styled
def calibration_errors(
    errors: Sequence[CalibrationError], caption: str, is_narrow: bool = False
) -> Figure:
    """Draw the calibration errors of arms, each beside what luck alone would give."""
    title = "Expected calibration error by arm"
    words = f"Filled: mean over seeds, small: seeds, open: expected of a calibrated arm. {caption}"
    rows = Rows([_error_row(error) for error in errors], is_narrow)
    if is_narrow:
        figure = narrow_figure(0.8 + rows.height, title, words)
    else:
        figure = new_figure(8.5, 1.9 + rows.height, title, words)
    axis = figure.add_subplot()
    for row, error in enumerate(errors):
        axis.plot([error.by_luck, error.mean], [row, row], color=GREY, lw=1.5, zorder=1)
        seeds = list(error.per_seed)
        axis.plot(seeds, [row] * len(seeds), "o", ms=3, color=COLOURS[0], alpha=FAINT)
        axis.plot([error.by_luck], [row], "o", ms=7.5, mfc="white", mec=BLACK)
        axis.plot([error.mean], [row], "o", ms=7.5, color=COLOURS[0])
    rows.label(axis)
    axis.set_xlim(left=0)
    of = "" if is_narrow else " (smaller is better)"
    axis.set_xlabel(f"Expected calibration error{of}")
    axis.grid(axis="x")
    percent_axis(axis, "x")
    return figure


def _error_row(error: CalibrationError) -> Row:
    words = f"{100 * error.mean:.1f} %, by luck {100 * error.by_luck:.1f} %"
    return Row(shorten(error.name), words)
