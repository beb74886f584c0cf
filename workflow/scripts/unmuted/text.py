"""Foreign text, such as names of files and messages of decoders, as one printable line."""

from __future__ import annotations

import os
import re
import unicodedata

_UNSAFE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's control characters, surrogates, ends of lines
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # of direction
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")  # what a spreadsheet program would take for a formula
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?")


def one_line(text: str, limit: int = 300) -> str:
    """Return `text` with spaces for unprintable characters, which could forge rows or hide text."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def printable(path: str | os.PathLike[str]) -> str:
    """Return a path with escapes for bytes that are not UTF-8 and for what cannot be printed."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def exact(number: float) -> str:
    """Return the shortest text from which `float` makes the same number, such as 0 or 3121.437."""
    return repr(float(number)).removesuffix(".0")


def cell(text: str) -> str:
    """Return text for a table that a person may open in a spreadsheet program or print.

    An apostrophe is put before what would be a formula, and numbers stay numbers. Control
    characters, and those that turn the direction of what follows, become escapes. `uncell` undoes
    the former.
    """
    shown = "".join(_escaped(c) if _is_unsafe(c) else c for c in text)
    is_formula = _FORMULA.match(shown.lstrip()) and not _NUMBER.fullmatch(shown)
    return f"'{shown}" if is_formula else shown


def uncell(text: str) -> str:
    """Return the text that `cell` was given, apart from escapes."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:].lstrip()) else text


def _is_unsafe(character: str) -> bool:
    if character == "\n":  # tables quote it
        return False
    return unicodedata.category(character) in _UNSAFE or character in _TURNS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
