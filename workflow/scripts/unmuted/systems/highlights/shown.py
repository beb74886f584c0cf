"""Where the reel of a test match lies, or why no test match has one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmuted.engine.ledger import LEDGER, read_rows

FILES = {"reels": ".mp4", "timelines": ".png"}  # of a match, by stage
MOST_REASONS = 10


def shown_lines(report: Mapping[str, Any], results: Path) -> list[str]:
    """Name the reel and the timeline of the first test match that has a reel.

    If none has one, say so, with the reason for each of them. report: content of
    highlights_metrics.json. results: the folder of the run.
    """
    by_match = report["reel"]["by_match"]
    for unit in by_match:
        if _artifact(results, "reels", unit) is not None:
            found = [_artifact(results, stage, unit) for stage in FILES]
            return [
                f"test match {unit}:",
                *(f"  {path}" for path in found if path is not None),
                f"all of its files, such as highlights.csv: results/by_match/{unit}/FILE, a target",
            ]
    if not list((results / "reels").glob(f"*{LEDGER}")) and any(
        one["segments"] for one in by_match.values()
    ):
        return ["no reels were made; the target highlights makes that of a test match"]
    reasons = [f"  {unit}: {_reason(results, unit, one)}" for unit, one in by_match.items()]
    more = [f"  and {len(reasons) - MOST_REASONS} more"] if len(reasons) > MOST_REASONS else []
    return ["no test match has a reel:", *reasons[:MOST_REASONS], *more]


def _artifact(results: Path, stage: str, unit: str) -> Path | None:
    """Return the artifact of a match in whatever shard it is; None where there is none."""
    folders = sorted(path for path in (results / stage).glob("*") if path.is_dir())
    paths = (folder / f"{unit}{FILES[stage]}" for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def _reason(results: Path, unit: str, found: Mapping[str, Any]) -> str:
    """Return why a match has no reel: nothing was found, or its videos could not be cut."""
    if found["why_none"]:
        return str(found["why_none"])
    for path in sorted((results / "reels").glob(f"*{LEDGER}")):
        row = read_rows(path).get(unit)
        if row is not None:
            return f"{row.status} {row.reason}".strip()
    return "it was not made"
