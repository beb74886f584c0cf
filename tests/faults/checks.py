"""What must be the same after a fault, and what must not be left: read without the library's help.

The library reads its own tables strictly. Here a table may be cut short or be something else.
"""

from __future__ import annotations

import csv
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.worlds import World

VARYING = frozenset({"logs", "benchmarks"})  # folders of results/ that differ in each run
JOURNAL = ".journal.csv"
TIMED = "seconds"  # the column of ledgers and journals that differs in each run
# A traceback, and the files of the workflow that one of its frames is in. Snakemake's own are not
# counted: the workflow cannot keep it from printing them.
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n((?:[ ~^].*\n|\n)*)")
_OURS = re.compile(
    r'File ".*?(/workflow/scripts/|/\.snakemake/scripts/|/workflow/rules/|/engine/toy/)'
)
UP_TO_DATE = "Nothing to be done"

# What a path holds: bytes, the rows of a table, or words for what is no plain file.
Content = bytes | str | list[dict[str, str]]


def contents(results: Path) -> dict[str, Content]:
    """Return everything that the same settings must leave, by path under results/.

    Artifacts, reports and splits with their bytes; ledgers and journals as rows without the
    time that they took; a link, folder or device in the place of one of them in words.
    """
    found: dict[str, Content] = {}
    for folder, folders, files in os.walk(results):
        if Path(folder) == results:
            folders[:] = [name for name in folders if name not in VARYING]
        for name in (*files, *folders):
            path = Path(folder, name)
            if _is_compared(name) and (name in files or path.is_symlink() or "." in name):
                found[str(path.relative_to(results))] = _content(path)
    return found


def _is_compared(name: str) -> bool:
    """Whether a file is a result; other hidden files are notes on when and where it was made."""
    return not name.startswith(".") or name == JOURNAL or name.startswith(".splits-")


def _content(path: Path) -> Content:
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        return "a link" if stat.S_ISLNK(mode) else "no plain file"
    data = path.read_bytes()
    if not path.name.endswith((".ledger.csv", JOURNAL)) or not data.endswith(b"\n"):
        return data
    try:
        rows = table_rows(data)
    except (ValueError, csv.Error):
        return data
    return sorted(
        ({key: value for key, value in row.items() if key != TIMED} for row in rows),
        key=lambda row: sorted(row.items()),
    )


def table_rows(data: bytes) -> list[dict[str, str]]:
    """Return the rows of a ledger or journal, the last of each video, without an unfinished line.

    Raises ValueError or csv.Error for bytes that are no table.
    """
    complete, _, _ = data.rpartition(b"\n")
    lines = list(csv.reader(complete.decode("utf-8").split("\n")))
    columns = lines[0] if lines else []
    rows = [dict(zip(columns, line, strict=True)) for line in lines[1:] if line]
    return [*{row.get("video_id", ""): row for row in rows}.values()]


def differences(found: Mapping[str, Content], expected: Mapping[str, Content]) -> list[str]:
    """Return what differs, by name: other content, missing files, files too many."""
    problems = [f"missing: {name}" for name in expected if name not in found]
    problems += [f"not in an undisturbed run: {name}" for name in found if name not in expected]
    problems += [
        f"other content than in an undisturbed run: {name}"
        for name in expected
        if name in found and found[name] != expected[name]
    ]
    return sorted(problems)


def without_rows_of_strangers(
    found: Mapping[str, Content], expected: Mapping[str, Content]
) -> dict[str, Content]:
    """Return the contents without rows of journals that are harmless.

    These are rows without an artifact, of videos that the data set does not have: what could not be
    made of a video that left is kept as well, and nothing tells its row from an invented one.
    """
    known = {row["video_id"] for content in expected.values() for row in _rows(content)}
    return {
        name: [row for row in content if row["digest"] or row["video_id"] in known]
        if name.endswith(JOURNAL) and isinstance(content, list)
        else content
        for name, content in found.items()
    }


def finished(results: Path, expected: Mapping[str, Content]) -> dict[str, tuple[int, int]]:
    """Return inode and time of the artifacts that a journal records as finished, by path.

    expected: `contents` of the undisturbed run; what is recorded with another fingerprint than
    there is still to be made.
    """
    found = {}
    for journal in results.rglob(JOURNAL):
        name = str(journal.relative_to(results))
        wanted = {row["video_id"]: row for row in _rows(expected.get(name))}
        for row in table_rows(journal.read_bytes()):
            video_id = row["video_id"]
            same = wanted.get(video_id, {}).get("fingerprint") == row["fingerprint"]
            if not (same and row["digest"]):
                continue
            for path in journal.parent.glob(f"{video_id}.*"):
                found[str(path.relative_to(results))] = identity(path)
    return found


def _rows(content: Content | None) -> list[dict[str, str]]:
    return content if isinstance(content, list) else []


def identity(path: Path) -> tuple[int, int]:
    """Return inode and time of writing: both change when a file is written again."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def made_again(before: Mapping[str, tuple[int, int]], results: Path) -> list[str]:
    """Return the finished artifacts that are gone or were written again."""
    return sorted(
        f"made twice: {name}"
        for name, seen in before.items()
        if not (results / name).exists() or identity(results / name) != seen
    )


def left_over(results: Path, temporary: Path) -> list[str]:
    """Return half-written files and folders in results/, and what jobs left in TMPDIR.

    Snakemake's own folder in TMPDIR stays where Snakemake was killed: only it could remove it.
    """
    paths = [path for path in results.rglob("*") if path.name.startswith((".tmp", ".trash-"))]
    paths += [path for path in temporary.iterdir() if not path.name.startswith("snakemake")]
    return sorted(f"left over: {path.relative_to(results.parent.parent)}" for path in paths)


def problems_after_resuming(
    world: World, expected: Mapping[str, Content], before: Mapping[str, tuple[int, int]]
) -> list[str]:
    """Run again, and return what does not hold: the same results, nothing made twice, nothing left.

    before: the artifacts that were `finished` when the run was disturbed.
    """
    done = world.run()
    problems = [] if done.code == 0 else [f"the run could not be resumed: {done.message}"]
    problems += differences(contents(world.results), expected)
    problems += made_again(before, world.results)
    problems += left_over(world.results, world.temporary)
    if not problems and UP_TO_DATE not in (again := world.run()).output:
        problems.append(f"a third run has something to do: {again.message}")
    return problems


def tracebacks(output: str) -> list[str]:
    """Return a problem for a traceback of the workflow in what a run printed."""
    ours = [found for found in _TRACEBACK.findall(output) if _OURS.search(found)]
    return ["a traceback" for _ in ours[:1]]
