"""Check every artifact against its ledger; damaged ones are marked, and the next run rebuilds them.

Run as `make verify`, or `python workflow/scripts/verify_artifacts.py` in the folder of results/.
"""

from __future__ import annotations

import sys
from pathlib import Path

from unmuted.runner import mark_damaged
from unmuted.stages import STAGES


def main(results: Path = Path("results")) -> int:
    """Print one line per damaged artifact; returns how many there are."""
    ledgers = damaged = 0
    for stage in STAGES.values():
        own = results / f"{stage.name}.ledger.csv"
        parts = sorted((results / stage.name).glob("*.ledger.csv"))
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
    sys.exit(1 if main() else 0)
