"""The trade-off of the filter: the share of clips that a threshold keeps, and the accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    MARKERS,
    RED,
    Band,
    draw_band,
    label_heights,
    new_figure,
    percent_axis,
    shorten,
    styled,
)


@styled
def threshold_tradeoff(
    percentiles: Sequence[float],
    kept: Mapping[str, Sequence[float]],
    accuracy: Mapping[str, Band],
    chosen: float,
    bands: str,
    caption: str,
) -> Figure:
    """Draw the share of kept clips (above) and accuracy (below) over the percentile.

    percentiles: of the validation clips' similarity, 0 to 100, rising. kept: share of clips whose
    generated audio is kept, by split. accuracy: by name of the line. chosen: the percentile that
    was chosen, one of `percentiles`. bands: describes those of the accuracy.
    """
    figure = new_figure(
        8.5,
        6.6,
        "What the feature filter keeps, and what that does to accuracy",
        f"Bands: {bands}. A rejected clip stays in the accuracy, with its fallback. {caption}",
    )
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 3])
    _lines(above, percentiles, {name: Band(v, v, v) for name, v in kept.items()}, chosen)
    above.set_ylim(-0.03, 1.03)
    above.set_ylabel("Clips kept\n(share of all)")
    _lines(below, percentiles, accuracy, chosen)
    below.set_ylabel("Accuracy (share correct)")
    below.set_xlabel("Threshold (percentile of the similarity on validation clips)")
    above.annotate(
        f"chosen on validation: percentile {chosen:g}",
        (chosen, 1),
        (0, 4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=RED,
    )
    return figure


def _lines(
    axis: Axes, percentiles: Sequence[float], lines: Mapping[str, Band], chosen: float
) -> None:
    """Draw one line per name with its band, named at its end; the chosen points are ringed."""
    axis.axvline(chosen, color=RED, lw=1, ls="--", zorder=1)
    at = list(percentiles).index(chosen)
    for i, band in enumerate(lines.values()):
        colour = COLOURS[i % len(COLOURS)]
        marker = MARKERS[i % len(MARKERS)]
        draw_band(axis, percentiles, band, colour, marker, shade=0.12, size=4.5)
        axis.plot([chosen], [band.mean[at]], "o", ms=11, mfc="none", mec=RED, mew=1.5)
    heights = label_heights(axis, lines.values(), 0.1)
    for i, (name, height) in enumerate(zip(lines, heights, strict=True)):
        axis.annotate(
            shorten(name),
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            color=COLOURS[i % len(COLOURS)] if len(lines) > 1 else BLACK,
            annotation_clip=False,
        )
    axis.grid(axis="y")
    percent_axis(axis, "y")
