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


OF_CONDITIONS = {
    "ab_iou": "A/B IoU",
    "empty": "left empty",
    "area": "area",
    "agreement": "IoU with own sound's masks",
}


def format_arms(report: Mapping[str, Any]) -> str:
    """Return tables of arms and conditions, the primary contrast, and how they are to be read."""
    rows = {
        name: {words: _in_words(arm[measure]) for measure, words in MEASURES.items()}
        | {"follows": _in_words(report["dependence"].get(name, {}).get("follows"))}
        for name, arm in report["arms"].items()
    }
    lines = [
        pd.DataFrame.from_dict(rows, orient="index").to_string(),
        _conditions(report["dependence"]).to_string(),
    ]
    for name, contrast in report["contrasts"].items():
        if contrast["primary"]:
            low, high = contrast["ci95"]
            lines.append(
                f"{name}: {contrast['delta']:+.3f} [{low:.3f}, {high:.3f}], {contrast['verdict']}"
            )
    lines += _lost_sound(report["missing"], report["headline"])
    if report["data"]["sources_straddle"]:
        lines.append(
            "published splits with sources in two of them, sources_straddle: "
            + report["data"]["sources_straddle"]
        )
    lines.append("what ignores the sound has an A/B IoU of at most 0.50")
    if "exploratory" in report:
        lines.append(str(report["exploratory"]))
    return "\n".join(lines)


def _lost_sound(missing: Mapping[str, Any], headline: str) -> list[str]:
    """Return a line with the last value of every curve."""
    ends = [f"{name} {_in_words(curve[headline][-1])}" for name, curve in missing["curves"].items()]
    measure, rate = MEASURES.get(headline, headline), missing["rates"][-1]
    return [f"{measure} where {rate:.0%} of clips have lost their sound: {', '.join(ends)}"]


def _conditions(dependence: Mapping[str, Any]) -> pd.DataFrame:
    """Return what each sound does to the masks of arms that are tested with more than their own."""
    rows = {
        f"{name}, {condition}": {
            words: _in_words(found[measure]) for measure, words in OF_CONDITIONS.items()
        }
        for name, by_condition in dependence.items()
        for condition, found in by_condition.items()
        if condition != "follows" and len(by_condition) > 2  # `own` and `follows`
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _in_words(measure: Mapping[str, Any] | None) -> str:
    if measure is None:
        return "-"
    low, high = measure["ci95"]
    return f"{measure['mean']:.3f} [{low:.3f}, {high:.3f}]"
