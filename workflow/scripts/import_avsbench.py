"""Import AVSBench as it is handed out: `import_avsbench.py ROOT OUT [--splits published]`.

ROOT is the folder of one of its sets (S4, MS3, AVSS). OUT gets a manifest, videos and masks; what
to put into the configuration is printed. Pickles are never opened.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from unmuted.errors import UserError
from unmuted.systems.segmentation.avsbench_import import import_avsbench


def main(arguments: Sequence[str] | None = None) -> str | None:
    """Import a set; returns what went wrong, None if nothing did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument(
        "--splits",
        choices=("own", "published"),
        default="own",
        help="own (default): the workflow splits by source; published: for comparison alone",
    )
    given = parser.parse_args(arguments)
    try:
        print(import_avsbench(given.root, given.out, given.splits))
    except UserError as error:
        return f"error: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
