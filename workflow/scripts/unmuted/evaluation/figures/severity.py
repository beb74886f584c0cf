"""Accuracy over the severity of degraded sound: one line per arm."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    LEAKS,
    MARKERS,
    RED,
    Band,
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
class _Look:
    name: str
    colour: str
    marker: str
    line: str


@dataclass(frozen=True)
class Axis:
    """The axis of a severity curve.

    title: of the figure. label: of the axis. is_share: whether values are shares, shown as
    percentages. is_reversed: whether a smaller value is more severe.
    """

    title: str
    label: str
    is_share: bool = False
    is_reversed: bool = False


AXES = {
    "lost": Axis(
        "Accuracy on the test clips as seconds of sound are lost",
        "Share of the clip's seconds that is lost, in one stretch",
        is_share=True,
    ),
    "noise": Axis(
        "Accuracy on the test clips as noise is added to the sound",
        "Ratio of the clip's own level to that of the noise (dB)",
        is_reversed=True,
    ),
}


@styled
def accuracy_over_severity(
    kind: str,
    levels: Sequence[float],
    arms: Mapping[str, Band],
    reference: str,
    caption: str,
    leaks: Collection[str] = (),
    is_narrow: bool = False,
) -> Figure:
    """Draw the accuracy over the severity of one kind of degraded sound.

    kind: "lost" or "noise". levels: from mild to severe. arms: the accuracy of each arm at the
    levels with its 95 % interval. reference: name of the arm without audio, drawn in black. leaks:
    names of arms that read the true labels of test clips, which are marked. is_narrow: for a
    telephone.
    """
    along = AXES[kind]
    about = "Lines: mean over seeds; bands: 95 % intervals. Test clips that have sound."
    caption = f"{about} {caption}"
    if is_narrow:
        figure = narrow_figure(curves_height(len(arms)), along.title, caption)
    else:
        figure = new_figure(7.4, 5.4, along.title, caption)
    panel = figure.subplots()
    looks = _looks(arms, reference, leaks)
    panel.set_ylim(*_range(arms))
    lines = [_draw_arm(panel, levels, band, looks[arm]) for arm, band in arms.items()]
    if is_narrow:
        name_below(panel, lines, [looks[arm].name.replace("\n", " ") for arm in arms])
    else:
        _label_ends(panel, levels, arms, looks)
    panel.set_xticks(levels)
    panel.grid(axis="y")
    panel.set_xlabel(textwrap.fill(along.label, 40) if is_narrow else along.label)
    panel.set_ylabel("Accuracy (share correct)")
    if along.is_share:
        percent_axis(panel, "x")
    if along.is_reversed:
        panel.invert_xaxis()
    percent_axis(panel, "y")
    return figure


def _looks(arms: Collection[str], reference: str, leaks: Collection[str]) -> dict[str, _Look]:
    """Choose the look of each arm; no two arms share all of it."""
    numbers = count()
    looks = {}
    for arm in arms:
        name = shorten(arm, 24)
        if arm == reference:
            looks[arm] = _Look(name, BLACK, "", "--")
        elif arm in leaks:
            looks[arm] = _Look(f"{name}\n({LEAKS})", RED, MARKERS[-1], ":")
        else:
            i = next(numbers)
            line = "-" if i < len(COLOURS) else "-."
            looks[arm] = _Look(name, COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)], line)
    return looks


def _range(arms: Mapping[str, Band]) -> tuple[float, float]:
    low = min(min(band.low) for band in arms.values())
    high = max(max(band.high) for band in arms.values())
    margin = 0.04 * (high - low) or 0.01
    return low - margin, high + margin


def _draw_arm(axis: Axes, rates: Sequence[float], band: Band, look: _Look) -> Line2D:
    colour, marker = look.colour, look.marker
    return draw_band(axis, rates, band, colour, marker, shade=0.08, size=5, line=look.line)


def _label_ends(
    axis: Axes, rates: Sequence[float], arms: Mapping[str, Band], looks: Mapping[str, _Look]
) -> None:
    """Write names next to the ends of lines, moved apart if lines end together."""
    low, high = axis.get_ylim()
    heights = label_heights(axis, arms.values(), 0.062)
    end = rates[-1]
    for (arm, band), height in zip(arms.items(), heights, strict=True):
        axis.annotate(
            looks[arm].name,
            (end, band.mean[-1]),
            (1.07, (height - low) / (high - low)),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=looks[arm].colour,
            arrowprops={
                "arrowstyle": "-",
                "lw": 0.6,
                "color": looks[arm].colour,
                "shrinkA": 0,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
            annotation_clip=False,
        )
