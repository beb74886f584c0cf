"""Figures of matplotlib as pictures within a page, drawn for a window and for a telephone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing

from unmuted.evaluation.figures.style import save
from unmuted.site.render import data_uri
from unmuted.site.sections import Figure, Table
from unmuted.site.themes import themed


def drawn(
    draw: Callable[..., Drawing],
    *arguments: Any,
    alt: str,
    table: Table,
    has_narrow: bool = True,
) -> Figure:
    """Return a figure that `draw` makes of the arguments, with its numbers.

    alt: what it shows, in words. has_narrow: whether `draw` can draw it for a telephone, too, with
    `is_narrow`.
    """
    svg = _svg(draw, *arguments)
    narrow = _uri(_svg(draw, *arguments, is_narrow=True)) if has_narrow else ""
    return Figure(_uri(svg), alt, "", table, narrow, svg.encode())


def _uri(svg: str) -> str:
    """Return the address of an SVG image; equal figures give equal addresses.

    In an image no script runs and nothing is loaded, whatever the names in a figure say.
    """
    return data_uri(themed(svg).encode(), "image/svg+xml")


def _svg(draw: Callable[..., Drawing], *arguments: Any, **options: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.svg"
        save(draw(*arguments, **options), path)
        return path.read_text(encoding="utf-8")
