"""The confusion matrix of true and predicted classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unmuted.evaluation.figures.style import (
    BLACK,
    LEAKS,
    PALE,
    new_figure,
    percent_axis,
    shorten,
    styled,
)

MOST_WITH_NUMBERS = 25  # classes; with more, only the colour is shown
_DARK = 0.55  # share from which white numbers are more legible


@styled
def confusion_matrix(
    counts: np.ndarray, classes: Sequence[str], arm: str, caption: str, leaks: bool = False
) -> Figure:
    """Draw clips by true class (rows) and predicted class (columns).

    counts: float (C, C), clips averaged over seeds. The colour is the share of a row; a class
    without test clips has a grey row. leaks: whether the arm reads the true labels of test clips.
    """
    counts = np.asarray(counts, dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    number = len(classes)
    with_numbers = number <= MOST_WITH_NUMBERS
    cell = 0.46 if with_numbers else max(0.11, 0.2 - 0.0005 * number)  # inches
    side = max(3.2, cell * number)
    scale = max(1.0, side / 12)
    figure = new_figure(
        side + 4.2,
        side + 3.4,
        f"Which classes {arm}{f' ({LEAKS})' if leaks else ''} takes for which on the test clips",
        ("Numbers: clips, averaged over seeds; none where empty. " if with_numbers else "")
        + "Colour: share of the clips of the true class; grey: no such test clips. "
        + caption,
        scale,
    )
    axis = figure.add_subplot()
    colours = colormaps["Blues"].with_extremes(bad=PALE)
    image = axis.imshow(shares, cmap=colours, vmin=0, vmax=1)
    if with_numbers:
        _write_counts(axis, counts, shares)
    size = 9 if with_numbers else max(5.0, 60 * cell)
    names = [shorten(name) for name in classes]
    axis.set_xticks(range(number), names, rotation=90, fontsize=size)
    axis.set_yticks(range(number), names, fontsize=size)
    axis.set_xlabel("Predicted class", fontsize=10 * scale)
    axis.set_ylabel("True class", fontsize=10 * scale)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axis, shrink=min(1.0, 3 * scale / side), aspect=15, pad=0.02)
    bar.set_label("Share of the true class", fontsize=10 * scale)
    bar.ax.tick_params(labelsize=9 * scale)
    percent_axis(bar.ax, "y")
    bar.outline.set_visible(False)
    return figure


def _write_counts(axis: Axes, counts: np.ndarray, shares: np.ndarray) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count > 0:
            axis.text(
                column,
                row,
                f"{count:.1f}".removesuffix(".0"),
                ha="center",
                va="center",
                fontsize=8.5,
                color="white" if shares[row, column] > _DARK else BLACK,
            )
