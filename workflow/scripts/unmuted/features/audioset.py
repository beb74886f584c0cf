"""The 527 labels of AudioSet, in the order of every AudioSet classifier.

Gemmeke et al., "Audio Set", ICASSP 2017; ontology by Google, CC BY 4.0.
"""

from __future__ import annotations

import csv
from pathlib import Path

from unmuted.checkout import ROOT
from unmuted.errors import UserError

LABEL_COUNT = 527
DEFAULT_PATH = ROOT / "resources" / "audioset_labels.csv"
COLUMNS = ["index", "mid", "display_name"]


def load_labels(path: Path = DEFAULT_PATH) -> list[str]:
    """Return the display names in order; raise UserError unless the table is whole and in order."""
    if not path.is_file():
        raise UserError(f"{path}: no table of AudioSet labels; restore it from the repository")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise UserError(f"{path}: columns are {reader.fieldnames}, expected {COLUMNS}")
        rows = list(reader)
    if [row["index"] for row in rows] != [str(i) for i in range(LABEL_COUNT)]:
        raise UserError(
            f"{path}: expected rows 0 to {LABEL_COUNT - 1} in order, found {len(rows)} rows"
        )
    names = [row["display_name"] for row in rows]
    if len({name for name in names if name}) != LABEL_COUNT:
        raise UserError(f"{path}: a display name is empty or occurs twice")
    return names
