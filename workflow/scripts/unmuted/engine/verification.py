"""Checks of all artifacts against their ledgers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

from unmuted.engine.executor import mark_damaged
from unmuted.engine.scenarios import FOLDER
from unmuted.engine.stage import Registry


def verify(registry: Registry, results: Path) -> int:
    """Mark and print every damaged artifact of a run and its scenarios; returns their number."""
    ledgers = damaged = 0
    for ledger, suffix in _ledgers(registry, results):
        ledgers += 1
        folder = ledger.with_name(ledger.name.removesuffix(".ledger.csv"))
        for name in mark_damaged(folder, ledger, suffix):
            damaged += 1
            print(f"damaged: {folder / name}{suffix}")
    print(
        f"{ledgers} ledgers checked, {damaged} damaged artifacts"
        + ("; run the workflow again to rebuild them" if damaged else "")
    )
    return damaged


def _ledgers(registry: Registry, results: Path) -> Iterator[tuple[Path, str]]:
    """Yield every ledger with the suffix of its artifacts."""
    runs = [results, *sorted(results.glob(f"{FOLDER}/*"))]
    for run, stage in product(runs, registry.stages.values()):
        whole = run / f"{stage.name}.ledger.csv"
        parts = sorted((run / stage.name).glob("*.ledger.csv"))
        for ledger in [whole] if whole.exists() else parts:
            yield ledger, stage.suffix
