"""The report of segmentation as a short text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

MEASURES = {
    "ab_iou": "A/B IoU",
    "iou": "IoU",
    "f": "F",
    "empty_off_screen": "empty off-screen",
    "empty_silent": "empty in silence",
}


def format_arms(report: Mapping[str, Any]) -> str:
    """Return a table of arms, the primary contrast, and what decides how it is to be read."""
    rows = {
        name: {words: _in_words(arm[measure]) for measure, words in MEASURES.items()}
        | {"follows": _in_words(report["dependence"].get(name, {}).get("follows"))}
        for name, arm in report["arms"].items()
    }
    lines = [pd.DataFrame.from_dict(rows, orient="index").to_string()]
    for name, contrast in report["contrasts"].items():
        if contrast["primary"]:
            low, high = contrast["ci95"]
            lines.append(
                f"{name}: {contrast['delta']:+.3f} [{low:.3f}, {high:.3f}], {contrast['verdict']}"
            )
    lines.append("what ignores the sound has an A/B IoU of at most 0.50")
    if "exploratory" in report:
        lines.append(str(report["exploratory"]))
    return "\n".join(lines)


def _in_words(measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return "-"
    low, high = measure["ci95"]
    return f"{measure['mean']:.3f} [{low:.3f}, {high:.3f}]"
