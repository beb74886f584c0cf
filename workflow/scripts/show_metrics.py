"""Print a metrics file as a short table: `python workflow/scripts/show_metrics.py METRICS.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unmuted.evaluation.table import format_report


def main() -> None:
    """Print the table of the metrics file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("metrics", type=Path, help="such as results/arch2_metrics.json")
    path = parser.parse_args().metrics
    print(format_report(json.loads(path.read_text(encoding="utf-8"))))
    print(path)


if __name__ == "__main__":
    main()
