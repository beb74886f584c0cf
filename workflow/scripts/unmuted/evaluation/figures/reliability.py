"""Reliability diagrams: how often predictions of each confidence are right (Guo et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from unmuted.evaluation.figures.style import (
    COLOURS,
    GREY,
    WHITE,
    narrow_figure,
    new_figure,
    shorten,
    styled,
)

_HEIGHTS = (3, 1)  # of the diagram and of the bars below it
_PANEL = 2.6  # inches, of both
FEW = 10  # predictions: a bin with fewer is drawn open


@dataclass(frozen=True)
class Reliability:
    """The predictions of an arm in bins of equal width from 0 to 1.

    predictions: their number in each bin. confidence, accuracy: means in each bin, None where it is
    empty.
    """

    name: str
    predictions: Sequence[int]
    confidence: Sequence[float | None]
    accuracy: Sequence[float | None]


@styled
def reliability_diagrams(
    arms: Sequence[Reliability], caption: str, is_narrow: bool = False
) -> Figure:
    """Draw a panel for each arm: accuracy over confidence, and below it the predictions of a bin.

    is_narrow: for a telephone.
    """
    columns = 2 if is_narrow else min((4, 3), key=lambda many: -len(arms) % many)
    rows = -(-len(arms) // columns)
    title = "How often predictions of each confidence are right"
    words = (
        "Dots: accuracy over mean confidence in each bin, open where it has fewer than "
        f"{FEW} predictions. On the dashed line predictions are right as often as they say; below "
        f"it they are too sure. Bars: share of the predictions. All seeds together. {caption}"
    )
    if is_narrow:
        figure = narrow_figure(0.2 + _PANEL * rows, title, words)
    else:
        figure = new_figure(8.5, 1.4 + _PANEL * rows, title, words)
    ratios = [ratio for _ in range(rows) for ratio in _HEIGHTS]
    panels = figure.subplots(
        2 * rows, columns, sharex=True, sharey="row", squeeze=False, height_ratios=ratios
    )
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        above, below = panels[2 * row][column], panels[2 * row + 1][column]
        if number < len(arms):
            _draw(above, below, arms[number], is_narrow)
        else:
            above.set_axis_off()
            below.set_axis_off()
    for row in range(rows):
        panels[2 * row][0].set_ylabel("Accuracy (%)")
        panels[2 * row + 1][0].set_ylabel("Share (%)")
    return figure


def _draw(above: Axes, below: Axes, arm: Reliability, is_narrow: bool) -> None:
    title = shorten(arm.name, 15) if is_narrow else shorten(arm.name)
    above.set_title(title, loc="left", fontsize=8.5 if is_narrow else 9.5)
    above.plot([0, 1], [0, 1], color=GREY, lw=1, ls="--", zorder=1)
    shown = [i for i, count in enumerate(arm.predictions) if count]
    places = np.array([(arm.confidence[i], arm.accuracy[i]) for i in shown], dtype=np.float64)
    is_open = np.array([arm.predictions[i] < FEW for i in shown], dtype=bool)
    above.plot(*places.T, color=COLOURS[0], lw=1.2)
    for face, some in ((COLOURS[0], places[~is_open]), (WHITE, places[is_open])):
        if len(some):
            above.plot(*some.T, "o", ms=5, color=COLOURS[0], mfc=face, clip_on=False)
    shares = np.array(arm.predictions) / max(sum(arm.predictions), 1)
    edges = np.linspace(0, 1, len(shares) + 1)
    below.stairs(shares, edges, fill=True, color=COLOURS[0])
    above.set(xlim=(0, 1), ylim=(0, 1), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    below.set_ylim(bottom=0)
    below.set_xlabel("Confidence (%)")
    below.tick_params(axis="x", labelbottom=True)
    below.yaxis.set_major_locator(MaxNLocator(2))
    above.grid()
    for axis in (above, below):
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}"))
