"""Differences of two arms each: a dot and an interval, zero marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from unmuted.evaluation.controls import ALARM
from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    GREY,
    LEAKS,
    RED,
    new_figure,
    shorten,
    styled,
)
from unmuted.evaluation.significance import p_in_words


@dataclass(frozen=True)
class Difference:
    """One row: mean over seeds and the ends of its 95 % interval, shares; p_adjusted 0 to 1.

    verdict: in words, which follow p_adjusted; of a control its status.
    """

    name: str
    delta: float
    low: float
    high: float
    p_adjusted: float
    leaks: bool = False
    verdict: str = ""

    @property
    def is_alarm(self) -> bool:
        """Whether a control wins."""
        return self.verdict == ALARM


@styled
def differences(panels: Mapping[str, Sequence[Difference]], title: str, caption: str) -> Figure:
    """Draw one panel per measure, side by side, with the same rows."""
    rows = next(iter(panels.values()))
    figure = new_figure(
        4.2 + 3.6 * len(panels),
        2.1 + 0.42 * len(rows),
        title,
        "Marks: mean over seeds with 95 % interval; filled where p, adjusted for the number of "
        "hypotheses, is below 0.05, whatever the interval. " + caption,
    )
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (measure, shown) in zip(axes, panels.items(), strict=True):
        axis.set_title(measure, loc="left")
        axis.axvline(0, color=GREY, lw=1, ls="--", zorder=1)
        for row, difference in enumerate(shown):
            _draw(axis, row, difference)
        axis.set_xlabel("Difference (percentage points)")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.4g}"))
        axis.grid(axis="x")
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
    axes[0].set_yticks(range(len(rows)), [_row_label(difference) for difference in rows])
    axes[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def _draw(axis: Axes, row: int, difference: Difference) -> None:
    is_red = difference.leaks or difference.is_alarm
    colour = RED if is_red else COLOURS[0]
    face = colour if difference.p_adjusted < 0.05 else "white"
    low, high = difference.low, difference.high
    axis.plot([low, high], [row, row], color=colour, lw=2, solid_capstyle="butt")
    axis.plot([difference.delta], [row], "o", ms=7.5, color=colour, mfc=face, mew=1.6)
    axis.annotate(
        "\n".join(filter(None, (p_in_words(difference.p_adjusted), difference.verdict))),
        (1.01, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=8.5,
        color=colour if is_red else BLACK,
    )


def _row_label(difference: Difference) -> str:
    first, second = difference.name.split("-")
    label = f"{shorten(first)} − {shorten(second)}"
    return f"{label} ({LEAKS})" if difference.leaks else label
