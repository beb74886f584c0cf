"""The rows of a page that share one axis of time: pictures, curves and arrays, as shapes to draw.

Everything is placed in the units of one drawing of `WIDTH`; the template writes it as SVG.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

WIDTH = 1000.0
LEFT, RIGHT = 92.0, 992.0  # where the axis begins and ends
TITLE = 24.0  # height of a row's title
GAP = 12.0  # below a row
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_MOST_TICKS = 10


@dataclass(frozen=True)
class Picture:
    """A picture: a data URI at a place. is_stretched: to its box, pixel by pixel."""

    x: float
    y: float
    width: float
    height: float
    source: str
    is_stretched: bool = False


@dataclass(frozen=True)
class Shape:
    """A path of SVG; kind: "curve", "area", "mark", "limit" or "axis", for the style sheet."""

    path: str
    kind: str


@dataclass(frozen=True)
class Words:
    """A text. anchor: "start", "middle" or "end" of it is at x."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass
class Timeline:
    """A drawing over [0, seconds] of a video; rows are added from top to bottom.

    height: of what has been added.
    """

    seconds: float
    height: float = 0.0
    pictures: list[Picture] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)

    def x(self, time_s: float) -> float:
        """Return where a moment lies."""
        share = time_s / self.seconds if self.seconds > 0 else 0.0
        return round(LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0), 2)

    def add_pictures(
        self,
        title: str,
        sources: Sequence[tuple[float, float, str]],
        aspect: float,
        marked: Iterable[int] = (),
    ) -> None:
        """Add pictures, each in the middle of its stretch of time.

        sources: begin and end in seconds, and a data URI. aspect: width over height of a picture.
        marked: indices of those that get a frame.
        """
        top = self._begin(title)
        widest = max(self.x(end) - self.x(start) for start, end, _ in sources)
        width = min(widest - 2, 160.0 * min(aspect, 1.0))
        tall = round(width / aspect, 2)
        for start, end, source in sources:
            left = (self.x(start) + self.x(end) - width) / 2
            self.pictures.append(Picture(round(left, 2), top + 3, round(width, 2), tall, source))
        for i in marked:
            one = self.pictures[len(self.pictures) - len(sources) + i]
            outline = f"M{one.x} {one.y}h{one.width}v{one.height}h-{one.width}z"
            self.shapes.append(Shape(outline, "mark"))
        self._end(top + tall + 6)

    def add_array(
        self, title: str, source: str, height: float, ends: tuple[str, str] = ("", "")
    ) -> None:
        """Add an array as a picture over the whole axis; ends: words at its top and bottom."""
        top = self._begin(title)
        self.pictures.append(Picture(LEFT, top, RIGHT - LEFT, height, source, is_stretched=True))
        self._label_ends(top, height, ends)
        self._end(top + height)

    def add_envelope(self, title: str, low: np.ndarray, high: np.ndarray, height: float) -> None:
        """Add the envelope (n,) of a signal from -1 to 1, drawn to its own largest value."""
        top = self._begin(title)
        largest = max(float(np.abs([low, high]).max()), 1e-4)
        places = self._places(len(high))
        above = [top + height / 2 * (1 - value / largest) for value in high]
        below = [top + height / 2 * (1 - value / largest) + 0.5 for value in low]
        points = [*zip(places, above, strict=True), *reversed([*zip(places, below, strict=True)])]
        self.shapes.append(Shape(f"{_line(points)}z", "area"))
        self._label_ends(top, height, (f"{largest:.3g}", f"-{largest:.3g}"))
        self._end(top + height)

    def add_steps(
        self, title: str, values: np.ndarray, low: float, high: float, height: float
    ) -> None:
        """Add values (T,) of equal stretches of time as steps between low and high."""
        top = self._begin(title)
        heights = top + height * (1 - (np.clip(values, low, high) - low) / max(high - low, 1e-9))
        edges = [self.x(self.seconds * i / len(values)) for i in range(len(values) + 1)]
        points = [
            (edge, float(y)) for i, y in enumerate(heights) for edge in (edges[i], edges[i + 1])
        ]
        if low < 0 < high:
            zero = round(top + height * high / (high - low), 2)
            self.shapes.append(Shape(f"M{LEFT} {zero}H{RIGHT}", "axis"))
        self.shapes.append(Shape(_line(points), "curve"))
        self._label_ends(top, height, (f"{high:.3g}", f"{low:.3g}"))
        self._end(top + height)

    def add_moments(self, title: str, moments: Sequence[tuple[float, str]]) -> None:
        """Add a row of moments, each a stroke; seconds and words, which are listed elsewhere."""
        top = self._begin(title)
        path = "".join(f"M{self.x(time_s)} {top}v18" for time_s, _ in moments)
        self.shapes.append(Shape(path, "mark"))
        self._end(top + 18)

    def add_axis(self, shown_s: float | None = None) -> None:
        """Add the axis of time below the rows; shown_s: where the player's video ends."""
        top = self.height
        step = next((s for s in _TICKS if self.seconds / s <= _MOST_TICKS), self.seconds or 1.0)
        times = np.arange(0, self.seconds + step / 1000, step)
        strokes = "".join(f"M{self.x(time)} {top}v6" for time in times)
        self.shapes.append(Shape(f"M{LEFT} {top}H{RIGHT}{strokes}", "axis"))
        for time in times:
            anchor = "end" if self.x(time) > RIGHT - 20 else "middle"
            self.words.append(Words(self.x(time), top + 24, f"{time:g}", anchor))
        self.words.append(Words(LEFT - 12, top + 24, "time in s", "end"))
        if shown_s is not None:
            end = self.x(shown_s)
            self.shapes.append(Shape(f"M{end} 0V{top}", "limit"))
        self.height = top + 32

    def _begin(self, title: str) -> float:
        self.words.append(Words(LEFT, self.height + 17, title))
        return self.height + TITLE

    def _end(self, bottom: float) -> None:
        self.height = round(bottom + GAP, 2)

    def _label_ends(self, top: float, height: float, ends: tuple[str, str]) -> None:
        for text, y in zip(ends, (top + 12, top + height), strict=True):
            if text:
                self.words.append(Words(LEFT - 8, round(y, 2), text, "end"))

    def _places(self, count: int) -> list[float]:
        return [self.x(self.seconds * (i + 0.5) / count) for i in range(count)]


def _line(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
