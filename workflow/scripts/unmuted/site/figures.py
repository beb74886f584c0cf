"""Figures of matplotlib as images within a page, and those that several systems share."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    GREY,
    MARKERS,
    Band,
    draw_band,
    label_heights,
    new_figure,
    percent_axis,
    save,
    shorten,
    styled,
)
from unmuted.site.render import data_uri


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


def svg_uri(figure: Figure) -> str:
    """Return a figure as the address of an SVG image; equal figures give equal addresses.

    In an image no script runs and nothing is loaded, whatever the names in a figure say.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.svg"
        save(figure, path)
        return data_uri(path.read_bytes(), "image/svg+xml")


@styled
def dot_plot(dots: Sequence[Dot], title: str, label: str, caption: str) -> Figure:
    """Draw values with their intervals from top to bottom; label: of the axis of shares."""
    figure = new_figure(8.5, 1.9 + 0.42 * len(dots), title, caption)
    axis = figure.add_subplot()
    for row, dot in enumerate(dots):
        interval = dot.low is not None and dot.high is not None
        colour = COLOURS[0] if interval else GREY
        words = f"{100 * dot.value:.1f} %"
        if dot.low is not None and dot.high is not None:
            axis.plot([dot.low, dot.high], [row, row], color=colour, lw=2, solid_capstyle="butt")
            words += f"  [{100 * dot.low:.1f}, {100 * dot.high:.1f}]"
        axis.plot([dot.value], [row], "o", ms=7.5, color=colour)
        axis.annotate(
            words,
            (1.01, row),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=BLACK,
        )
    axis.set_yticks(range(len(dots)), [shorten(dot.name) for dot in dots])
    axis.set_ylim(len(dots) - 0.5, -0.5)
    axis.set_xlabel(label)
    axis.grid(axis="x")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    percent_axis(axis, "x")
    return figure


@styled
def curves(
    at: Sequence[float],
    lines: Mapping[str, Band],
    title: str,
    labels: tuple[str, str],
    caption: str,
    order: Sequence[str] = (),
) -> Figure:
    """Draw lines with their intervals over shares; labels: of the horizontal and vertical axis.

    order: names whose lines have the same looks in several figures; those of `lines` by default.
    """
    places = {name: place for place, name in enumerate(order or lines)}
    figure = new_figure(7.4, 5.4, title, caption)
    axis = figure.subplots()
    low = min(min(band.low) for band in lines.values())
    high = max(max(band.high) for band in lines.values())
    margin = 0.04 * (high - low) or 0.01
    axis.set_ylim(low - margin, high + margin)
    for name, band in lines.items():
        number = places[name]
        marker, line = MARKERS[number % len(MARKERS)], "-" if number < len(COLOURS) else "-."
        colour = COLOURS[number % len(COLOURS)]
        draw_band(axis, at, band, colour, marker, shade=0.08, size=5, line=line)
    heights = label_heights(axis, lines.values(), 0.05)
    for name, height in zip(lines, heights, strict=True):
        axis.annotate(
            shorten(name, 24),
            (at[-1], height),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            color=COLOURS[places[name] % len(COLOURS)],
            annotation_clip=False,
        )
    axis.set_xticks(at)
    axis.set_xlabel(labels[0])
    axis.set_ylabel(labels[1])
    axis.grid(axis="y")
    for which in ("x", "y"):
        percent_axis(axis, which)
    return figure


@styled
def calibration_errors(errors: Sequence[CalibrationError], caption: str) -> Figure:
    """Draw the calibration errors of arms, each beside what luck alone would give."""
    title = "Expected calibration error by arm"
    words = f"Filled: mean over seeds, small: seeds, open: expected of a calibrated arm. {caption}"
    figure = new_figure(8.5, 1.9 + 0.42 * len(errors), title, words)
    axis = figure.add_subplot()
    for row, error in enumerate(errors):
        axis.plot([error.by_luck, error.mean], [row, row], color=GREY, lw=1.5, zorder=1)
        seeds = list(error.per_seed)
        axis.plot(seeds, [row] * len(seeds), "o", ms=3, color=COLOURS[0], alpha=0.5)
        axis.plot([error.by_luck], [row], "o", ms=7.5, mfc="white", mec=BLACK)
        axis.plot([error.mean], [row], "o", ms=7.5, color=COLOURS[0])
    axis.set_yticks(range(len(errors)), [shorten(error.name) for error in errors])
    axis.set_ylim(len(errors) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.set_xlabel("Expected calibration error (smaller is better)")
    axis.grid(axis="x")
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    percent_axis(axis, "x")
    return figure
