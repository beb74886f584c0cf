"""Whole HTML documents from templates, each with a Content-Security-Policy of its own.

Style sheet and scripts are those of `assets/`, inlined and allowed by their digests, so a page is
one file that opens alone, from disk, and runs nothing else whatever its texts say.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).resolve().parent
STYLE = "site.css"
# Where the links of the site go into a page that also stands alone. No escaped text contains it.
NAVIGATION = "<!--navigation-->"


def render_page(
    template: str,
    title: str,
    *,
    scripts: Sequence[str] = (),
    data_scripts: Sequence[str] = (),
    has_files: bool = False,
    **values: Any,
) -> str:
    """Return an HTML document.

    template: its file in templates/, which extends base.html.j2. title: of the document, without
    the name of the program. scripts: files of assets/ to inline. data_scripts: paths of scripts
    beside the page, which are loaded before those. has_files: whether pictures and videos lie
    beside the page, besides those in data URIs. values: what the template shows; all of it is
    escaped. Raises jinja2.UndefinedError for a value that the template shows and is not given.
    """
    script = "\n".join(_asset(name) for name in scripts)
    style = _asset(STYLE)
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            policy=_policy(style, script, bool(data_scripts), has_files),
            style=Markup(style),
            script=Markup(script),
            data_scripts=data_scripts,
            navigation=Markup(NAVIGATION),
            **values,
        )
    )


def with_navigation(page: str, links: Iterable[tuple[str, str]]) -> str:
    """Return a rendered page with the links of the site at its top: addresses and their texts."""
    module: Any = _environment().get_template("parts.html.j2").module
    return page.replace(NAVIGATION, str(module.navigation(list(links))), 1)


def data_uri(content: bytes, media_type: str) -> str:
    """Return content as an address, such as of an image: data:<media_type>;base64,..."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def csv_uri(table: Any) -> str:
    """Return the CSV of a `Table` as an address."""
    return data_uri(table.csv.encode(), "text/csv;charset=utf-8")


def show_cell(value: object) -> str:
    """Return a cell's text: floats have four digits, None and NaN a dash."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def is_number(value: object) -> bool:
    """Return whether a cell is right-aligned."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _policy(style: str, script: str, has_data: bool, has_files: bool) -> str:
    files = "'self' data:" if has_files else "data:"
    run = [f"'sha256-{_digest(script)}'"] if script else []
    run += ["'self'"] if has_data else []
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{_digest(style)}'",
            f"script-src {' '.join(run) or chr(39) + 'none' + chr(39)}",
            f"img-src {files}",
            f"media-src {files}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _asset(name: str) -> str:
    """Return the text of a file of assets/. Raises ValueError for one that would end its element.

    Line ends are those of HTML parsers, which the digest is of.
    """
    text = (FOLDER / "assets" / name).read_text(encoding="utf-8").replace("\r\n", "\n")
    if "</" in text or "<!--" in text:
        raise ValueError(f"assets/{name} contains '</' or '<!--', which may end its element")
    return text


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": show_cell, "csv_uri": csv_uri}
    environment.tests["shown_as_number"] = is_number
    return environment
