"""The colours of drawn figures in a light and in a dark page.

An SVG image follows the page's colour scheme by a media query of its own, also where the page is
printed. Its ground is that of the page; where a browser knows no such query, it is white.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from unmuted.evaluation.figures.style import (
    BLACK,
    COLOURS,
    GREY,
    GRID,
    INK,
    ON_COLOUR,
    PALE,
    RED,
    WHITE,
)

_OF_LINES = (
    *("#0082FC", "#F73A00", "#00AB63", "#B67A91"),
    *("#93D1EE", "#FEB800", "#9D79C7", "#E1C5B9"),
)
DARK: Mapping[str, str] = {  # by the colour that is drawn, which is that of a light page
    **dict(zip(COLOURS, _OF_LINES, strict=True)),
    BLACK: "#E7EAEE",
    GREY: "#A9B3BD",
    PALE: "#3D464F",
    RED: "#FF99A6",
    GRID: "#2B3238",
    WHITE: "#14171A",
    INK: "#FFFFFF",
    ON_COLOUR: "#FEFEFE",
}
_NAMES = {light.lower(): f"--c{number}" for number, light in enumerate(DARK)}
_TAG = re.compile(r"<[^>]*>")  # in texts and attributes, < and > are escaped
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_FONTS = re.compile(r"font-family: ([^;\"]*)(; |(?=\"))")
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_BETWEEN = re.compile(r">\s+<")
_DIGITS = re.compile(r"(\.\d\d)\d+")  # a hundredth of a point is a small part of a pixel


def themed(svg: str) -> str:
    """Return a drawn SVG whose colours follow the colour scheme of the page that shows it.

    It is shorter, too: without metadata, and with the fonts of its texts in one place.
    """
    fonts = _FONTS.search(svg)
    short = _BETWEEN.sub("><", _METADATA.sub("", svg))
    painted = _TAG.sub(lambda tag: _repainted(tag[0]), short)
    end = painted.index(">", painted.index("<svg")) + 1
    return f"{painted[:end]}{_style(fonts[1] if fonts else 'sans-serif')}{painted[end:]}"


def _repainted(tag: str) -> str:
    return _DIGITS.sub(r"\1", _FONTS.sub("", _COLOUR.sub(_variable, tag)))


def _variable(colour: re.Match[str]) -> str:
    name = _NAMES.get(colour[0])
    return f"var({name})" if name else colour[0]


def _style(fonts: str) -> str:
    light = "".join(f"{name}:{colour};" for colour, name in _NAMES.items())
    dark = "".join(f"{_NAMES[colour.lower()]}:{other};" for colour, other in DARK.items())
    return (
        f"<style>:root{{{light}fill:var({_NAMES[INK.lower()]});font-family:{fonts}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    )
