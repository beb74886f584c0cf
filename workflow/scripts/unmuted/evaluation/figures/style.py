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
from matplotlib.ticker import FuncFormatter

from unmuted.evaluation.evidence import exploratory

# Distinct under any colour vision (Okabe and Ito 2008); yellow is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#5D3A9B", "#7F3C2D")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
BLACK, GREY, PALE, RED = "#222222", "#6E6E6E", "#D9D9D9", "#B3001B"
LEAKS = "leaks the label"  # an arm that reads the true labels of test clips
LONGEST_NAME = 32  # characters of a class or arm
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
    "grid.color": "#E6E6E6",
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
) -> None:
    """Draw a line with its interval behind it; shade: opacity of the interval, size: of markers."""
    axis.fill_between(at, band.low, band.high, color=colour, alpha=shade, lw=0)
    axis.plot(at, band.mean, color=colour, marker=marker, ls=line, lw=1.6, ms=size)


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
