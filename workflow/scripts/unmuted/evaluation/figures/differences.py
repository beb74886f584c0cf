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
    Row,
    Rows,
    narrow_figure,
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
def differences(
    panels: Mapping[str, Sequence[Difference]], title: str, caption: str, is_narrow: bool = False
) -> Figure:
    """Draw one panel per measure, with the same rows: side by side, for a telephone in a column."""
    labels = {name: Rows([_row(one) for one in shown], is_narrow) for name, shown in panels.items()}
    height = next(iter(labels.values())).height
    caption = (
        "Marks: mean over seeds with 95 % interval; filled where p, adjusted for the number of "
        f"hypotheses, is below 0.05, whatever the interval. {caption}"
    )
    if is_narrow:
        figure = narrow_figure((1.1 + height) * len(panels), title, caption)
        axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    else:
        figure = new_figure(4.2 + 3.6 * len(panels), 2.1 + height, title, caption)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (measure, shown) in zip(axes, panels.items(), strict=True):
        axis.set_title(measure, loc="left")
        axis.axvline(0, color=GREY, lw=1, ls="--", zorder=1)
        for row, difference in enumerate(shown):
            _draw(axis, row, difference)
        axis.set_xlabel("Difference (percentage points)")
        axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:+.4g}"))
        axis.grid(axis="x")
        labels[measure].label(axis, has_names=axis is axes[0])
    return figure


def _row(difference: Difference) -> Row:
    words = filter(None, (p_in_words(difference.p_adjusted), difference.verdict))
    is_red = difference.leaks or difference.is_alarm
    return Row(_row_label(difference), "\n".join(words), RED if is_red else BLACK)


def _draw(axis: Axes, row: int, difference: Difference) -> None:
    colour = RED if difference.leaks or difference.is_alarm else COLOURS[0]
    face = colour if difference.p_adjusted < 0.05 else "white"
    low, high = difference.low, difference.high
    axis.plot([low, high], [row, row], color=colour, lw=2, solid_capstyle="butt")
    axis.plot([difference.delta], [row], "o", ms=7.5, color=colour, mfc=face, mew=1.6)


def _row_label(difference: Difference) -> str:
    first, second = difference.name.split("-")
    label = f"{shorten(first)} − {shorten(second)}"
    return f"{label} ({LEAKS})" if difference.leaks else label
