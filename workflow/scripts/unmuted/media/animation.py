"""A GIF of the frames that a recogniser saw, with what it says of them on a band below.

Everything on the band is drawn as text: labels come from strangers' folders.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH = 320  # pixels of the canvas, and of the long side of the picture on it
SHORTEST_MS, LONGEST_MS = 100, 1000  # a frame is shown: shorter ones cannot be watched
LINE, MARGIN, FONT_SIZE = 20, 8, 14  # pixels
BAND, TEXT, FAINT = (16, 16, 16), (255, 255, 255), (176, 176, 176)
COLOURS = 128  # of a page: with 256 a file is a third larger
_TICK_MS = 10  # GIF counts in hundredths of a second


def animate(
    images: np.ndarray, timestamps: np.ndarray, top: Sequence[tuple[str, float]], note: str = ""
) -> bytes:
    """Return a file that loops for ever, the same bytes for the same input.

    Args:
        images: uint8 `(N, H, W, 3)`, RGB, at least one.
        timestamps: float64 `(N,)`, when each is presented, in seconds.
        top: labels with their percentages, a line each; labels that are too long are cut.
        note: a further line, such as where the clip comes from.
    """
    lines = len(top) + 1
    pages = []
    for i, image in enumerate(images):
        picture = _picture(image)
        page = Image.new("RGB", (WIDTH, picture.height + lines * LINE + MARGIN), BAND)
        page.paste(picture, ((WIDTH - picture.width) // 2, 0))
        # The count makes every page another one: equal neighbours would be joined.
        _write_band(page, picture.height, top, note, f"{i + 1}/{len(images)}")
        pages.append(page.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
    file = io.BytesIO()
    shown = durations(timestamps)
    pages[0].save(file, "GIF", save_all=True, append_images=pages[1:], duration=shown, loop=0)
    return file.getvalue()


def durations(timestamps: np.ndarray) -> list[int]:
    """Return the milliseconds for which each frame is shown: until the next, within bounds.

    The last one is shown as long as the others on average.
    """
    gaps = np.diff(timestamps) * 1000
    gaps = np.append(gaps, gaps.mean() if len(gaps) else LONGEST_MS)
    bounded = np.clip(gaps, SHORTEST_MS, LONGEST_MS)
    return [round(gap / _TICK_MS) * _TICK_MS for gap in bounded]


def fitted_text(text: str, width: float) -> str:
    """Return the text in one line of `width` pixels, its end cut off where it is too long."""
    text = "".join(c if c.isprintable() else " " for c in text)
    if _length(text) <= width:
        return text
    while text and _length(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def _picture(image: np.ndarray) -> Image.Image:
    """Return the frame with a long side of WIDTH, small ones enlarged."""
    height, width = image.shape[:2]
    factor = WIDTH / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return Image.fromarray(image).resize(size, Image.Resampling.BICUBIC)


def _write_band(
    page: Image.Image, y: int, top: Sequence[tuple[str, float]], note: str, count: str
) -> None:
    draw, font = ImageDraw.Draw(page), _font()
    y += MARGIN // 2
    rows = [(label, f"{percent:.2f} %", TEXT) for label, percent in top] + [(note, count, FAINT)]
    for left, right, colour in rows:
        edge = WIDTH - MARGIN - _length(right)
        draw.text((MARGIN, y), fitted_text(left, edge - 2 * MARGIN), colour, font)
        draw.text((edge, y), right, colour, font)
        y += LINE


def _length(text: str) -> float:
    return _font().getlength(text)


@cache
def _font() -> ImageFont.FreeTypeFont:
    """Return the font of matplotlib, which has more scripts than Pillow's; others become boxes."""
    import matplotlib

    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    # Raqm, where it is installed, would set some scripts in another way.
    return ImageFont.truetype(str(path), FONT_SIZE, layout_engine=ImageFont.Layout.BASIC)
