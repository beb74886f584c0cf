"""Names that a person takes for one: they differ in case, spaces or Unicode form alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from unmuted.text import printable

_SPACE = re.compile(r"\s+")
# "clip 1 1" and "clip 11" are two names; "ice hockey" and "icehockey" are one.
_NOT_BETWEEN_DIGITS = re.compile(r"(?<!\d) | (?!\d)")


def canonical_spelling(text: str) -> str:
    """Return what all spellings of a name have in common."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # Formats: zero-width characters, marks of direction, soft hyphens.
    shown = "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace())
    return _NOT_BETWEEN_DIGITS.sub("", _SPACE.sub(" ", shown).strip())


def spelled_alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of different names that are spelled alike, each with the first such name."""
    first: dict[str, str] = {}
    pairs = []
    for name in sorted(set(names)):
        other = first.setdefault(canonical_spelling(name), name)
        if other != name:
            pairs.append((other, name))
    return pairs


def alike_problems(kind: str, names: Iterable[str]) -> list[str]:
    """Return a sentence for each name that could be taken for another one of its kind."""
    return [
        f"the {kind} {_shown(one)} and {_shown(other)} differ only in "
        f"{_difference(one, other)}; give both the same spelling, or rename one"
        for one, other in spelled_alike(names)
    ]


def _difference(one: str, other: str) -> str:
    if unicodedata.normalize("NFKC", one) == unicodedata.normalize("NFKC", other):
        return "their Unicode form"
    if _SPACE.sub("", one) == _SPACE.sub("", other):
        return "spaces"
    if one.casefold() == other.casefold():
        return "case"
    return "case, spaces or Unicode form"


def _shown(name: str) -> str:
    """Return a name in quotes, with its code points where a person may not see what it is."""
    escaped = name.encode("ascii", "backslashreplace").decode()
    shown = printable(name)
    return f"'{shown}'" + (f" ({escaped})" if not shown.isascii() else "")
