"""Check every artifact against its ledger; damaged ones are marked, and the next run rebuilds them.

Run as `make verify`, or `python workflow/scripts/verify_artifacts.py FOLDER`, where results/ lies.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unmuted.engine.verification import verify
from unmuted.pipeline.registry import REGISTRY


def main() -> int:
    """Verify the run of the folder that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="where results/ lies")
    results = parser.parse_args().folder / "results"
    if not any(results.rglob("*.ledger.csv")):
        parser.error(
            f"no ledgers under {results.resolve()}: name the folder of the run (--directory)"
        )
    return 1 if verify(REGISTRY, results) else 0


if __name__ == "__main__":
    sys.exit(main())
