"""Print the arms of segmentation as a table: `python workflow/scripts/show_avs.py FOLDER`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from unmuted.systems.segmentation.shown import format_arms


def main() -> None:
    """Print the table of the metrics in a working directory, and the path of an overlay."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="in which the workflow ran")
    folder = parser.parse_args().folder
    path = folder / "results" / "avs_metrics.json"
    print(format_arms(json.loads(path.read_text(encoding="utf-8"))))
    print(path)
    for overlay in sorted((folder / "results" / "by_video").glob("*/sounding.mp4")):
        print(overlay)


if __name__ == "__main__":
    main()
