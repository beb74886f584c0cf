"""The folder of the site: files are rewritten where their bytes changed, others stay as they are.

A file of the folder lists what a run wrote, so that the next one removes what is no longer of it,
and nothing else. A journal names the files of a run before they are written: one that is
interrupted leaves nothing that the next would not remove.
"""

from __future__ import annotations

import filecmp
import json
import re
import shutil
from pathlib import Path

from unmuted.engine.artifacts import atomic
from unmuted.errors import UserError
from unmuted.files import read_bytes

LIST = ".files.json"
JOURNAL = ".files.new"
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class SiteFolder:
    """A folder of which all files are written by one run, to be closed at its end.

    written: how many files were new or had other bytes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: set[str] = set()
        self._known: set[str] | None = None  # of the list and the journal
        self.written = 0

    def write(self, path: str, content: bytes) -> None:
        """Write a file, if it has other bytes.

        path: within the folder, with "/". Raises ValueError for one that leads out of it, or that
        cannot be an address as it is.
        """
        file = self._file(path)
        if _is_file(file) and file.stat().st_size == len(content) and read_bytes(file) == content:
            return
        with atomic(file, is_durable=False) as temporary:
            temporary.write_bytes(content)
        self.written += 1

    def copy(self, path: str, source: Path) -> None:
        """Write a file with the bytes of another one, of any size; as `write`."""
        file = self._file(path)
        if _is_file(file) and filecmp.cmp(file, source, shallow=False):
            return
        with atomic(file, is_durable=False) as temporary:
            shutil.copyfile(source, temporary)
        self.written += 1

    def _file(self, path: str) -> Path:
        """Return the file of a path, which is of this run from now on, and make its folder."""
        if not _PATH.fullmatch(path):
            raise ValueError(
                f"{path!r} is no path of the site: expected letters, digits, ., _, - and /"
            )
        self._files.add(path)
        self._announce(path)
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _announce(self, path: str) -> None:
        """Name a file that is to be written in the journal, unless an earlier run listed it."""
        if self._known is None:
            self._known = self._earlier()
        if path not in self._known:
            self._known.add(path)
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / JOURNAL).open("a", encoding="utf-8") as file:
                file.write(f"{path}\n")

    def close(self) -> int:
        """Remove the files of an earlier run that this one did not write; return their number."""
        stale = self._earlier() - self._files
        for path in stale:
            (self._folder / path).unlink(missing_ok=True)
        for parent in sorted({Path(path).parent for path in stale} - {Path(".")}, reverse=True):
            folder = self._folder / parent
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        text = json.dumps(sorted(self._files), indent=0)
        with atomic(self._folder / LIST, is_durable=False) as temporary:
            temporary.write_text(text, encoding="utf-8")
        (self._folder / JOURNAL).unlink(missing_ok=True)
        return len(stale)

    def _earlier(self) -> set[str]:
        """Return the files of earlier runs, also of interrupted ones.

        Raises UserError for a damaged list.
        """
        path, journal = self._folder / LIST, self._folder / JOURNAL
        announced: set[str] = set()
        if _is_file(journal):
            *lines, _cut_short = read_bytes(journal).decode(errors="replace").split("\n")
            announced = {line for line in lines if _PATH.fullmatch(line)}
        if not path.exists():
            return announced
        try:
            listed = json.loads(read_bytes(path))
        except ValueError:
            listed = None
        if not isinstance(listed, list) or not all(
            isinstance(one, str) and _PATH.fullmatch(one) for one in listed
        ):
            raise UserError(
                f"{path}: expected the list of files that the last run wrote, found something "
                f"else; remove the folder {self._folder} and run the workflow again"
            )
        return announced.union(listed)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
