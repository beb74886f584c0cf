"""Check every artifact against its ledger; damaged ones are marked, and the next run rebuilds them.

Run as `make verify`, or `python workflow/scripts/verify_artifacts.py FOLDER`, where results/ lies.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

from unmuted.engine.executor import mark_damaged
from unmuted.engine.scenarios import FOLDER
from unmuted.engine.stage import Registry
from unmuted.pipeline.registry import REGISTRY


def main(registry: Registry, results: Path = Path("results")) -> int:
    """Print one line per damaged artifact; returns how many there are."""
    ledgers = damaged = 0
    runs = [results, *sorted(results.glob(f"{FOLDER}/*"))]
    for run, stage in product(runs, registry.stages.values()):
        own = run / f"{stage.name}.ledger.csv"
        parts = sorted((run / stage.name).glob("*.ledger.csv"))
        for ledger in [own] if own.exists() else parts:
            ledgers += 1
            folder = ledger.with_name(ledger.name.removesuffix(".ledger.csv"))
            for name in mark_damaged(folder, ledger, stage.suffix):
                damaged += 1
                print(f"damaged: {folder / name}{stage.suffix}")
    print(
        f"{ledgers} ledgers checked, {damaged} damaged artifacts"
        + ("; run the workflow again to rebuild them" if damaged else "")
    )
    return damaged


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="where results/ lies")
    results = parser.parse_args().folder / "results"
    if not any(results.rglob("*.ledger.csv")):
        parser.error(
            f"no ledgers under {results.resolve()}: name the folder of the run (--directory)"
        )
    sys.exit(1 if main(REGISTRY, results) else 0)
