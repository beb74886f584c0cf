"""Print the table of arms and the paths of reels: `python .../show_highlights.py DIRECTORY`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unmuted.systems.highlights.table import SHOWN, format_highlights


def main() -> None:
    """Print what the results of the folder that the command line names have to show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="the --directory of the run")
    results = parser.parse_args().directory / "results"
    metrics = results / "highlights_metrics.json"
    if metrics.is_file():
        print(format_highlights(json.loads(metrics.read_text(encoding="utf-8"))))
        print(metrics)
    for path in sorted(results.glob("by_match/*/*")):
        if path.name in SHOWN:
            print(path)


if __name__ == "__main__":
    main()
