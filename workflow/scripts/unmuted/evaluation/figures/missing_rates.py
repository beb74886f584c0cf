"""Accuracy over the share of clips with missing audio: one panel per kind, one line per arm."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    LEAKS,
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

KIND_TITLES = {
    "no_stream": "no audio stream",
    "silence": "silence",
    "noise": "white noise",
    "swapped": "sound of another clip",
}


@dataclass(frozen=True)
class _Look:
    name: str
    colour: str
    marker: str
    line: str


@styled
def accuracy_over_missing(
    rates: Sequence[float],
    kinds: Mapping[str, Mapping[str, Band]],
    reference: str,
    caption: str,
    leaks: Collection[str] = (),
) -> Figure:
    """Draw the accuracy over the share of clips with missing audio.

    rates: shares of test clips without their sound, rising. kinds: for each kind of missing audio
    the accuracy of each arm over the rates with its 95 % interval. reference: name of the arm
    without audio, drawn in black. leaks: names of arms that read the true labels of test clips,
    which are marked.
    """
    columns = min(2, len(kinds))
    rows = -(-len(kinds) // columns)
    figure = new_figure(
        5.2 * columns,
        1.4 + 3.4 * rows,
        "Accuracy on the test clips as audio goes missing",
        "Lines: mean over seeds; bands: 95 % intervals. The same clips are missing in every panel, "
        "and those missing at a rate are missing at every higher one. " + caption,
    )
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    looks = _looks(kinds, reference, leaks)
    low, high = _range(kinds)
    for panel, (kind, arms) in zip(panels, kinds.items(), strict=False):
        panel.set_title(f"Instead of sound: {KIND_TITLES.get(kind, kind)}", loc="left")
        panel.set_ylim(low, high)
        for arm, band in arms.items():
            _draw_arm(panel, rates, band, looks[arm])
        _label_ends(panel, rates, arms, looks)
        panel.set_xticks(rates)
        panel.grid(axis="y")
        panel.tick_params(labelbottom=True, labelleft=True)
        panel.set_xlabel("Test clips without their sound")
        percent_axis(panel, "x")
        percent_axis(panel, "y")
    for panel in panels[len(kinds) :]:
        panel.set_axis_off()
    for panel in panels[::columns]:
        panel.set_ylabel("Accuracy (share correct)")
    return figure


def _looks(
    kinds: Mapping[str, Mapping[str, Band]], reference: str, leaks: Collection[str]
) -> dict[str, _Look]:
    """Choose the look of each arm, equal in all panels; no two arms share all of it."""
    numbers = count()
    looks = {}
    for arm in dict.fromkeys(arm for bands in kinds.values() for arm in bands):
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


def _range(kinds: Mapping[str, Mapping[str, Band]]) -> tuple[float, float]:
    bands = [band for arms in kinds.values() for band in arms.values()]
    low = min(min(band.low) for band in bands)
    high = max(max(band.high) for band in bands)
    margin = 0.04 * (high - low) or 0.01
    return low - margin, high + margin


def _draw_arm(axis: Axes, rates: Sequence[float], band: Band, look: _Look) -> None:
    draw_band(axis, rates, band, look.colour, look.marker, shade=0.08, size=5, line=look.line)


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
