"""The confusion matrix of true and predicted classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure

from unmuted.evaluation.figures.style import (
    COLOURS,
    GREY,
    INK,
    LEAKS,
    ON_COLOUR,
    narrow_figure,
    new_figure,
    percent_axis,
    shorten,
    styled,
)

MOST_WITH_NUMBERS = 25  # classes; with more, only the colour is shown
MOST_NARROW = 16  # classes whose names have room in a narrow figure
MOST_NUMBERS_NARROW = 8
_LONGEST_NARROW = 14  # characters of a class there
_DARK = 0.91  # share from which white numbers are more legible


@styled
def confusion_matrix(
    counts: np.ndarray,
    classes: Sequence[str],
    arm: str,
    caption: str,
    leaks: bool = False,
    is_narrow: bool = False,
) -> Figure:
    """Draw clips by true class (rows) and predicted class (columns).

    counts: float (C, C), clips averaged over seeds. The colour is the share of a row; a class
    without test clips has a grey row. leaks: whether the arm reads the true labels of test clips.
    is_narrow: for a telephone, of at most `MOST_NARROW` classes.
    """
    counts = np.asarray(counts, dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    number = len(classes)
    with_numbers = number <= (MOST_NUMBERS_NARROW if is_narrow else MOST_WITH_NUMBERS)
    title = f"Which classes {arm}{f' ({LEAKS})' if leaks else ''} takes for which on the test clips"
    caption = (
        "Numbers: clips, averaged over seeds; none where empty. " if with_numbers else ""
    ) + f"Colour: share of the clips of the true class; grey: no such test clips. {caption}"
    cell = 0.46 if with_numbers else max(0.11, 0.2 - 0.0005 * number)  # inches
    side = max(3.2, cell * number)
    scale = 1.0 if is_narrow else max(1.0, side / 12)
    if is_narrow:
        figure = narrow_figure(4.0, title, caption)
    else:
        figure = new_figure(side + 4.2, side + 3.4, title, caption, scale)
    axis = figure.add_subplot()
    image = axis.imshow(shares, cmap=_colours(), vmin=0, vmax=1)
    if with_numbers:
        _write_counts(axis, counts, shares, 7.5 if is_narrow else 8.5)
    _name_classes(axis, classes, is_narrow, 9 if with_numbers else max(5.0, 60 * cell), scale)
    if is_narrow:
        bar = figure.colorbar(image, ax=axis, location="bottom", shrink=0.7, aspect=25, pad=0.02)
    else:
        shrink = min(1.0, 3 * scale / side)
        bar = figure.colorbar(image, ax=axis, shrink=shrink, aspect=15, pad=0.02)
    bar.set_label("Share of the true class", fontsize=10 * scale)
    bar.ax.tick_params(labelsize=9 * scale)
    percent_axis(bar.ax, "x" if is_narrow else "y")
    bar.outline.set_visible(False)
    return figure


def _colours() -> Colormap:
    """Return colours from nothing to blue, so that 0 has the colour of what lies below."""
    blue = to_rgba(COLOURS[0])
    colours = LinearSegmentedColormap.from_list("shares", [(*blue[:3], 0.0), blue])
    return colours.with_extremes(bad=(*to_rgba(GREY)[:3], 0.3))


def _name_classes(
    axis: Axes, classes: Sequence[str], is_narrow: bool, size: float, scale: float
) -> None:
    names = [shorten(name, _LONGEST_NARROW) if is_narrow else shorten(name) for name in classes]
    size = 8 if is_narrow else size
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axis.set_yticks(range(len(names)), names, fontsize=size)
    axis.set_xlabel("Predicted class", fontsize=10 * scale)
    axis.set_ylabel("True class", fontsize=10 * scale)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def _write_counts(axis: Axes, counts: np.ndarray, shares: np.ndarray, size: float) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count > 0:
            axis.text(
                column,
                row,
                f"{count:.1f}".removesuffix(".0"),
                ha="center",
                va="center",
                fontsize=size,
                color=ON_COLOUR if shares[row, column] > _DARK else INK,
            )
