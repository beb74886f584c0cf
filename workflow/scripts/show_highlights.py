"""Print the table of arms and where a reel is: `python .../show_highlights.py DIRECTORY`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unmuted.systems.highlights.shown import shown_lines
from unmuted.systems.highlights.table import format_highlights


def main(arguments: list[str] | None = None) -> None:
    """Print what the results of the folder that the command line names have to show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="the --directory of the run")
    results = parser.parse_args(arguments).directory / "results"
    metrics = results / "highlights_metrics.json"
    if not metrics.is_file():
        parser.error(f"{metrics}: expected the report that the target highlights makes, found none")
    report = json.loads(metrics.read_text(encoding="utf-8"))
    print(format_highlights(report))
    print(metrics)
    print("\n".join(shown_lines(report, results)))


if __name__ == "__main__":
    main()
