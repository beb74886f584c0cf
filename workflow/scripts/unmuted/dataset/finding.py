"""Where a path that a person wrote leads, and what is there in its place where it leads nowhere."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from unmuted.dataset.alike import canonical_spelling
from unmuted.text import printable

_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def expanded(text: str) -> str:
    """Return a path with the home folder for `~` and the values of environment variables.

    A path that exists as it is written is not changed, and neither is a variable that is not set.
    """
    if os.path.lexists(text):
        return text
    return os.path.expandvars(os.path.expanduser(text))


def not_expanded(text: str) -> str:
    """Say which `~` or variables of an expanded path have no value; empty if there are none."""
    names = [braced or plain for braced, plain in _VARIABLE.findall(text)]
    if names:
        return f"the environment variable {names[0]} is not set"
    return f"{text.split(os.sep)[0]} is the home folder of nobody" if text.startswith("~") else ""


def is_not_utf8(text: str) -> bool:
    """Return whether a text was read from bytes that are not UTF-8 and are kept as surrogates."""
    return any("\udc80" <= character <= "\udcff" for character in text)


def located(text: str) -> Path:
    """Return the file or folder of a path; see `Finder.find`. It may not be there."""
    try:
        return Finder(Path()).find(text)
    except ValueError:
        return Path(expanded(text))


def why_missing(text: str) -> str:
    """Return what may be wrong with the path of a file or folder that is not there, or ""."""
    return Finder(Path()).why_missing(text, Path(expanded(text)))


class Finder:
    """Finds files by their paths relative to a folder; every folder is listed once at most."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, tuple[dict[str, str], dict[str, str], dict[str, str]]] = {}

    def find(self, given: str) -> Path:
        """Return the path of a file, a link or whatever else is there.

        As it is written, without spaces around it, with `~` and variables replaced, or under the
        same name in another Unicode normal form. Raises ValueError with what is there instead.
        """
        path = self._root / given
        if os.path.lexists(path):
            return path
        stripped = given.strip()
        meant = self._root / expanded(stripped)
        if os.path.lexists(meant):
            return meant
        found, is_same = self._nearest(meant)
        if found is not None and is_same:
            return Path(found)
        hint = self.why_missing(stripped, meant)
        raise ValueError(f"no file {printable(meant)}" + (f"; {hint}" if hint else ""))

    def why_missing(self, given: str, meant: Path) -> str:
        """Return what may be wrong with a path that leads to nothing, or "".

        given: as it is written. meant: with all that can be replaced.
        """
        if not os.path.lexists(meant) and (found := self._nearest(meant)[0]):
            return f"there is {printable(found)}"
        if _URL.match(given):
            return "give the path of a file, not a URL"
        if "\\" in given:
            return self._about_backslashes(given)
        if problem := not_expanded(expanded(given)):
            return problem
        if is_not_utf8(given):
            return "it is not UTF-8: save the table as CSV (UTF-8) if the name has other letters"
        return ""

    def _about_backslashes(self, given: str) -> str:
        slashes = given.replace("\\", "/")
        hint = f"backslashes do not separate folders here: write {printable(slashes)}"
        if _DRIVE.match(given):
            hint = "a path of Windows: give its path on this machine, with / between folders"
        elif (self._root / slashes).exists():
            hint += ", which is there"
        return hint

    def _nearest(self, path: Path) -> tuple[str | None, bool]:
        """Return the path that is there under a similar name, if any, and whether it is the same.

        The same: it differs in its Unicode normal form alone. Similar: also in case and spaces,
        and, of the file, in its ending.
        """
        parts = path.parts
        at, is_same = parts[0] if path.is_absolute() else os.curdir, True
        for place, part in enumerate(parts[1:] if path.is_absolute() else parts):
            following = os.path.join(at, part) if at != os.curdir or place else part
            if not os.path.lexists(following):
                composed, similar, stems = self._list(at)
                name = composed.get(unicodedata.normalize("NFC", part))
                if name is None:
                    is_same = False
                    name = similar.get(canonical_spelling(part))
                    if name is None and part == parts[-1]:
                        name = stems.get(canonical_spelling(os.path.splitext(part)[0]))
                    if name is None:
                        return None, False
                following = os.path.join(at, name) if at != os.curdir else name
            at = following
        return at, is_same

    def _list(self, folder: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """Return the names in a folder by their composed form, by spelling, by spelling of stem."""
        if folder not in self._names:
            try:
                names = sorted(os.listdir(folder), reverse=True)
            except (OSError, ValueError):
                names = []
            self._names[folder] = (
                {unicodedata.normalize("NFC", name): name for name in names},
                {canonical_spelling(name): name for name in names},
                {canonical_spelling(os.path.splitext(name)[0]): name for name in names},
            )
        return self._names[folder]
