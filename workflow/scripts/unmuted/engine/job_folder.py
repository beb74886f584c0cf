"""The folder of a job's artifacts: the files that the engine keeps in it, and its lock.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmuted.engine.file_lock import locked_file

JOURNAL = ".journal.csv"
LOCK = ".lock"
DAMAGE = ".damage"
FAILURES = ".failures.json"
FORCED = ".forced"
UNSYNCED = ".unsynced"  # since which start of the machine artifacts may not be on the disk


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Hold the folder's lock: a job that outlived its killed Snakemake may still work here.

    Makes the folder where it is missing. Without `wait`, raises BlockingIOError when it is taken.
    """
    path = folder / LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with locked_file(path, wait) as is_held:
            # Whoever held the lock may have pruned the folder, and this file with it.
            if is_held:
                yield
                return


def mark_forced(folder: Path) -> None:
    """Have the next job of a folder compute all of it, although it may be up to date."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FORCED).touch()
