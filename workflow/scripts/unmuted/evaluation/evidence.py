"""The remark that a report with fewer than five seeds is exploratory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENOUGH_SEEDS = 5  # the least number with which a difference may be claimed
KEY = "exploratory"


def exploratory(seeds: int) -> str | None:
    """Return the remark for a report with this number of seeds; None if it needs none."""
    if seeds >= ENOUGH_SEEDS:
        return None
    if seeds == 1:
        return "exploratory: 1 seed; intervals and p-values cover the choice of test clips only"
    return f"exploratory: {seeds} seeds"


def with_evidence(report: Mapping[str, Any]) -> dict[str, Any]:
    """Add the remark, if needed, to a report, right after the name of its system.

    Raises ValueError for a report that does not name its system.
    """
    if "system" not in report:
        raise ValueError("a report of metrics needs the key `system`, the name of what it is about")
    remark = exploratory(len(report["provenance"]["seeds"]))
    if remark is None:
        return dict(report)
    items = []
    for key, value in report.items():
        items.append((key, value))
        if key == "system":
            items.append((KEY, remark))
    return dict(items)
