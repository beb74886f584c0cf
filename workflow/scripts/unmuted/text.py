"""Foreign text, such as names of files and messages of decoders, as one printable line."""

from __future__ import annotations

import os


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
