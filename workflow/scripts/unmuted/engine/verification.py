"""Checks of ledgers, journals, artifacts, tables and kept splits against their jobs' notes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from unmuted.dataset.splits import read_groups
from unmuted.engine.damage import mark_damaged
from unmuted.engine.job_notes import NOTE, read_note
from unmuted.engine.ledger import LEDGER
from unmuted.engine.scenarios import FOLDER
from unmuted.engine.stage import Registry
from unmuted.errors import UserError


def verify(registry: Registry, results: Path) -> int:
    """Mark and print every damaged file of a run and its scenarios; returns their number."""
    ledgers, damaged = 0, 0
    for ledger, suffix in _ledgers(registry, results):
        ledgers += 1
        folder = ledger.with_name(ledger.name.removesuffix(LEDGER))
        try:
            found = [str(path) for path in mark_damaged(folder, ledger, suffix)]
        except UserError as error:  # a folder in the place of a file: left to the user
            found = [str(error)]
        damaged += _report(found)
    damaged += _report(_damaged_tables(results))
    print(
        f"{ledgers} ledgers checked, {damaged} damaged files"
        + ("; run the workflow again to rebuild them" if damaged else "")
    )
    return damaged


def _report(damaged: list[str]) -> int:
    for what in damaged:
        print(f"damaged: {what}")
    return len(damaged)


def _damaged_tables(results: Path) -> list[str]:
    """Return the reports and tables that are not what their jobs wrote, and damaged kept splits.

    The notes on them are removed, so that the next run writes them again. A table that was removed
    is no damage.
    """
    damaged: list[str] = []
    for path in sorted(results.rglob(f".*{NOTE}")):
        note = None if path.name == NOTE else read_note(path)
        if note is None:
            continue
        outputs = [path.with_name(name) for name in note.outputs]
        changed = [output for output in outputs if output.exists() and not note.has(output)]
        if changed:
            damaged += map(str, changed)
            path.unlink()
    for path in sorted(results.glob(".splits-*.csv")):
        try:
            read_groups(path)
        except UserError as error:
            damaged.append(str(error))
    return damaged


def _ledgers(registry: Registry, results: Path) -> Iterator[tuple[Path, str]]:
    """Yield every ledger with the suffix of its artifacts."""
    runs = [results, *sorted(results.glob(f"{FOLDER}/*"))]
    for run, stage in product(runs, registry.stages.values()):
        whole = run / f"{stage.name}{LEDGER}"
        parts = sorted((run / stage.name).glob(f"*{LEDGER}"))
        for ledger in [whole] if whole.exists() else parts:
            yield ledger, stage.suffix
