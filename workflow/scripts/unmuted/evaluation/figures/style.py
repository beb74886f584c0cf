"""The style of all figures: fonts, colours, title and caption, and reproducible files."""

from __future__ import annotations

import os
import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib.style
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import ScaledTranslation

from unmuted.evaluation.evidence import exploratory

# After Okabe and Ito (2008): distinct under any colour vision, and each with a contrast of 4.5 to
# white, so that names can have the colour of their lines.
COLOURS = ("#0063E8", "#B45E00", "#03844C", "#94597D", "#074C7F", "#653100", "#4929A0", "#5A3637")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
BLACK, GREY, PALE, RED = "#222222", "#666666", "#D9D9D9", "#B3001B"
GRID, WHITE = "#E6E6E6", "#FFFFFF"
INK, ON_COLOUR = "#000000", "#FEFEFE"  # of text on light, and on dark, colours
FAINT = 0.8  # opacity of small marks, which keeps a contrast of 3
LEAKS = "leaks the label"  # an arm that reads the true labels of test clips
LONGEST_NAME = 32  # characters of a class or arm
_LINE = 44  # characters above a row of a narrow figure
_PAD = 0.08  # inches between the parts of a narrow figure
NARROW = 3.55  # inches: a telephone of 375 pixels shows this width as it is
DPI = 150
LARGEST_SIDE = 8000  # pixels of a PNG

# For classes named in scripts that matplotlib's own font lacks, where one of these is installed.
FURTHER_FONTS = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",
    "Noto Sans KR",
    "NanumGothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Emoji",
)

_SETTINGS = {
    "text.parse_math": False,  # a class may be called $x$
    "axes.unicode_minus": True,
    "svg.fonttype": "none",  # text stays text: it can be searched, and emoji are drawn
    "svg.hashsalt": "unmuted",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "figure.dpi": DPI,
}
_METADATA = {".svg": {"Date": None, "Creator": None}, ".png": {"Software": None}}

P = ParamSpec("P")


@dataclass(frozen=True)
class Band:
    """A line with its interval: three sequences of one length."""

    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@cache
def style() -> list[Any]:
    """Return matplotlib's defaults with the project's settings, without a user's matplotlibrc."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    further = [name for name in FURTHER_FONTS if name in installed]
    return ["default", _SETTINGS | {"font.family": ["DejaVu Sans", *further, "sans-serif"]}]


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a function draw in the project's style, whatever the settings of its caller are."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.style.context(style()):
            return draw(*args, **kwargs)

    return drawn


def new_figure(width: float, height: float, title: str, caption: str, scale: float = 1.0) -> Figure:
    """Make an empty figure (inches) with a title above and a caption below, both wrapped.

    scale: of their font sizes, for figures that are larger than a page.
    """
    figure = Figure((width, height), layout="constrained")
    FigureCanvasAgg(figure)
    title = textwrap.fill(title, int(width * 10.5 / scale))
    caption = textwrap.fill(caption, int(width * 14 / scale))
    figure.suptitle(title, x=0.01, ha="left", fontsize=12.5 * scale, weight="bold")
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=9 * scale, color=GREY)
    return figure


def narrow_figure(height: float, title: str, caption: str) -> Figure:
    """Make an empty figure for a telephone, with title and caption as in `new_figure`.

    height: inches, of all but those two.
    """
    title, caption = textwrap.fill(title, 33), textwrap.fill(caption, 52)
    lines = 0.19 * (title.count("\n") + 1) + 0.165 * (caption.count("\n") + 1)
    figure = Figure(
        (NARROW, height + lines + 0.2), layout=ConstrainedLayoutEngine(h_pad=_PAD, w_pad=_PAD)
    )
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, weight="bold")
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8.5, color=GREY)
    return figure


@dataclass(frozen=True)
class Row:
    """What is written of a row: its name, and words about its values; colour: of both."""

    name: str
    words: str
    colour: str = BLACK


class Rows:
    """Rows of marks from top to bottom, row i at the height i of an axis.

    In a wide figure a row's name stands before it and its words behind it; in a narrow one both
    stand above it.
    """

    def __init__(self, rows: Sequence[Row], is_narrow: bool) -> None:
        self._rows, self._is_narrow = rows, is_narrow
        self._texts = _above(rows) if is_narrow else []
        lines = max((text.count("\n") + 1 for text in self._texts), default=1)
        self._text = 11.0 * lines  # points
        self._pitch = self._text + 25.0

    @property
    def height(self) -> float:
        """Of the rows alone, inches."""
        return len(self._rows) * (self._pitch / 72 if self._is_narrow else 0.42)

    @property
    def drop(self) -> float:
        """How far below its row a further mark of it lies."""
        return 0.26 if not self._is_narrow else 9.0 / self._pitch

    def label(self, axis: Axes, has_names: bool = True) -> None:
        """Write names and words, and leave the axis of rows without line and ticks."""
        count = len(self._rows)
        axis.tick_params(axis="y", length=0)
        axis.spines["left"].set_visible(False)
        if self._is_narrow:
            axis.set_yticks([])
            axis.set_ylim(count - 1 + 15 / self._pitch, -(self._text + 10) / self._pitch)
            for number, (row, text) in enumerate(zip(self._rows, self._texts, strict=True)):
                self._write(axis, number, text, row.colour)
            return
        if has_names:
            axis.set_yticks(range(count), [row.name for row in self._rows])
            for label, row in zip(axis.get_yticklabels(), self._rows, strict=True):
                label.set_color(row.colour)
        axis.set_ylim(count - 0.5, -0.5)
        for number, row in enumerate(self._rows):
            axis.annotate(
                row.words,
                (1.01, number),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize=9,
                color=row.colour,
            )

    def _write(self, axis: Axes, number: int, text: str, colour: str) -> None:
        axis.annotate(
            text,
            (0, number),
            (0, 7),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="bottom",
            fontsize=8.5,
            color=colour,
            linespacing=1.1,
        )


def _above(rows: Sequence[Row]) -> list[str]:
    """Return name and words of rows for a narrow figure: each in a line, or all in one."""
    words = [", ".join(row.words.split("\n")) for row in rows]
    one = [f"{row.name}\u00a0 {of_row}" for row, of_row in zip(rows, words, strict=True)]
    if max(map(len, one), default=0) <= _LINE:
        return one
    return [
        "\n".join(line for text in (row.name, of_row) for line in textwrap.wrap(text, _LINE))
        for row, of_row in zip(rows, words, strict=True)
    ]


def sample_size(clips: int, groups: int, seeds: int, split: str = "test") -> str:
    """Describe the sample of a figure, for its caption; few seeds are called exploratory."""
    sample = f"{_count(clips, f'{split} clip')} from {_count(groups, 'source group')}"
    remark = exploratory(seeds)
    return f"{sample}, {_count(seeds, 'seed')}." if remark is None else f"{sample}; {remark}."


def shorten(name: str, longest: int = LONGEST_NAME) -> str:
    """Shorten a long name in its middle, because names often differ at either end."""
    if len(name) <= longest:
        return name
    tail = (longest - 1) // 3
    return f"{name[: longest - 1 - tail]}…{name[-tail:]}"


def percent_axis(axis: Axes, which: str) -> None:
    """Show shares as percentages along "x" or "y"."""
    formatter = FuncFormatter(lambda share, _: f"{100 * share:.4g} %")
    (axis.xaxis if which == "x" else axis.yaxis).set_major_formatter(formatter)


def draw_band(
    axis: Axes,
    at: Sequence[float],
    band: Band,
    colour: str,
    marker: str,
    *,
    shade: float,
    size: float,
    line: str = "-",
) -> Line2D:
    """Draw a line with its interval behind it; shade: opacity of the interval, size: of markers."""
    axis.fill_between(at, band.low, band.high, color=colour, alpha=shade, lw=0)
    (drawn,) = axis.plot(at, band.mean, color=colour, marker=marker, ls=line, lw=1.6, ms=size)
    return drawn


def name_below(axis: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """Name the lines of a narrow figure in a list below it, where their ends have no room."""
    figure = axis.figure
    below = ScaledTranslation(0, -0.58, figure.dpi_scale_trans)  # inches, below the axis's label
    axis.legend(
        lines,
        names,
        loc="upper left",
        bbox_to_anchor=(-0.1, 0),
        bbox_transform=axis.transAxes + below,
        borderaxespad=0,
        frameon=False,
        fontsize=8.5,
        labelspacing=0.35,
    )


def curves_height(count: int) -> float:
    """Return the height of a narrow figure of `count` lines that are named below it, inches."""
    return 3.2 + 0.17 * count


def label_heights(axis: Axes, bands: Iterable[Band], gap: float) -> list[float]:
    """Compute heights, in data, of the names at the ends of lines, moved apart if needed.

    gap: the least distance of two names, as a share of the axis's height.
    """
    ends = [band.mean[-1] for band in bands]
    low, high = axis.get_ylim()
    return spread(ends, (high - low) * min(gap, 1 / len(ends)), low, high)


def spread(wanted: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions in [low, high], near the wanted ones but with a least gap between them."""
    wanted = list(wanted)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])

    def inside(centre: float, size: int) -> float:
        half = gap * (size - 1) / 2
        return max(min(centre, high - half), low + half)

    blocks: list[tuple[float, int]] = []  # centre and number of labels that touch each other
    for i in order:
        centre, size = inside(wanted[i], 1), 1
        while blocks and centre - blocks[-1][0] < gap * (size + blocks[-1][1]) / 2:
            before, count = blocks.pop()
            centre = (centre * size + before * count) / (size + count)
            size += count
            centre = inside(centre, size)
        blocks.append((centre, size))
    placed = [c + gap * (k - (size - 1) / 2) for c, size in blocks for k in range(size)]
    positions = dict(zip(order, placed, strict=True))
    return [positions[i] for i in range(len(wanted))]


def save(figure: Figure, path: Path) -> None:
    """Write the figure as .svg or .png, whole or not at all; equal figures give equal bytes.

    A PNG has 150 dots an inch, fewer where a side would pass 8000. Raises ValueError for another
    suffix.
    """
    if path.suffix not in _METADATA:
        raise ValueError(f"{path}: expected a name that ends in .svg or .png")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    dpi = min(DPI, LARGEST_SIDE / max(figure.get_size_inches()))
    try:
        with matplotlib.style.context(style()), warnings.catch_warnings():
            # Characters that no font here has are boxes in a PNG; an SVG holds them as text.
            warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
            figure.savefig(temporary, dpi=dpi, metadata=_METADATA[path.suffix])
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
