"""The timeline of a match: scores and sound over time, what the reel shows, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    GREY,
    PALE,
    RED,
    new_figure,
    shorten,
    styled,
)

MOST_POINTS = 2_000  # of a line: a half has six times as many steps, a panel fewer pixels
TITLE_PAD = 34  # points: above the ticks of labelled events
WIDTH, PANEL = 12.0, 2.6  # inches
SOUND_RANGE = (-80.0, 0.0)  # decibels of full scale
_REEL, _TRUTH = (1.02, 0.06), (1.10, 0.08)  # bottom and height of a band above the scores


@dataclass(frozen=True)
class Panel:
    """One recording.

    Attributes:
        title: such as its half.
        rate: steps a second.
        scores: (S, K), in [0, 1].
        valid: bool (S,), steps with a picture.
        level_db: (S,), of the sound, in dB of full scale.
        has_sound: bool (S,).
        segments: start and end of what the reel shows, seconds.
        truths: of each event its seconds, kind, and whether the broadcast shows it; None where
            nothing is known.
    """

    title: str
    rate: float
    scores: np.ndarray
    valid: np.ndarray
    level_db: np.ndarray
    has_sound: np.ndarray
    segments: Sequence[tuple[float, float]]
    truths: Sequence[tuple[float, str, bool]] | None = None


@styled
def draw_timeline(
    match: str, arm: str, kinds: Sequence[str], panels: Sequence[Panel], status: str = ""
) -> Figure:
    """Draw a panel a recording, one below the other, on one scale of time.

    match: its name. arm: what made the scores. kinds: K names. status: shown in the caption, such
    as why there is no reel.
    """
    caption = (
        "Lines: score of each kind. Grey: level of the sound. Bars above: what the reel shows. "
        "Ticks above: labelled events, dotted where the broadcast does not show them. Hatched: no "
        f"picture (///) or no sound (\\\\\\). {status}"
    ).strip()
    figure = new_figure(
        WIDTH, 1.5 + PANEL * len(panels), f"{shorten(match, 80)} ({shorten(arm, 80)})", caption
    )
    rows = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    colours = {kind: COLOURS[place % len(COLOURS)] for place, kind in enumerate(kinds)}
    for axis, panel in zip(rows, panels, strict=True):
        _draw_panel(axis, panel, colours)
    longest = max((len(panel.valid) / panel.rate for panel in panels), default=1.0)
    rows[-1].set_xlim(0, max(longest, 1.0))
    rows[-1].set_xlabel("Time of the recording, minutes and seconds")
    figure.legend(
        handles=_legend(colours), loc="outside right upper", frameon=False, labelcolor=GREY
    )
    return figure


def thinned(values: np.ndarray, most: int, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps and values of a line with fewer points, which keeps every peak.

    values: (S,). most: points. valid: bool (S,); others are gaps. Returns step numbers (P,) and
    values (P,): the largest of each group of steps, NaN where a group has none.
    """
    size = max(1, -(-len(values) // most))
    count = -(-len(values) // size)
    padded = np.full(count * size, -np.inf)
    padded[: len(values)] = np.where(valid, values, -np.inf)
    groups = padded.reshape(count, size)
    steps = np.arange(count) * size + groups.argmax(axis=1)
    best = groups.max(axis=1) if count else np.zeros(0)
    return steps, np.where(np.isfinite(best), best, np.nan)


def stretches(mask: np.ndarray) -> list[tuple[int, int]]:
    """Return the start and the end, exclusive, of each run of true steps."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(int)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _draw_panel(axis: Axes, panel: Panel, colours: Mapping[str, str]) -> None:
    steps, levels = thinned(panel.level_db, MOST_POINTS, panel.has_sound)
    low, high = SOUND_RANGE
    share = (np.clip(levels, low, high) - low) / (high - low)
    axis.fill_between(steps / panel.rate, 0, share, color=PALE, lw=0, zorder=0)
    for (_, colour), column in zip(colours.items(), panel.scores.T, strict=True):
        steps, scores = thinned(column, MOST_POINTS, panel.valid)
        axis.plot(steps / panel.rate, scores, color=colour, lw=1.0)
    for mask, hatch in ((~panel.valid, "///"), (~panel.has_sound, "\\\\\\")):
        for start, end in stretches(mask):
            span = start / panel.rate, end / panel.rate
            axis.axvspan(*span, fill=False, hatch=hatch, ec=GREY, lw=0, alpha=0.6)
    spans = [(start, end - start) for start, end in panel.segments]
    axis.broken_barh(spans, _REEL, color=BLACK, clip_on=False)
    bottom, height = _TRUTH
    for seconds, kind, is_shown in panel.truths or ():
        colour, line = colours.get(kind, RED), "-" if is_shown else ":"
        heights = [bottom, bottom + height]
        axis.plot([seconds, seconds], heights, clip_on=False, color=colour, lw=2.0, ls=line)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 0.5, 1])
    axis.set_ylabel("Score")
    axis.set_title(shorten(panel.title, 80), loc="left", pad=TITLE_PAD)
    axis.xaxis.set_major_formatter(FuncFormatter(_clock))


def _clock(seconds: float, _: object) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _legend(colours: Mapping[str, str]) -> list[Line2D | Patch]:
    lines = [Line2D([], [], color=colour, label=shorten(kind)) for kind, colour in colours.items()]
    return [
        *lines,
        Patch(color=PALE, label="sound level"),
        Patch(color=BLACK, label="in the reel"),
    ]
