"""The report of architecture 1: arms, the filter, and the labels that generated audio carries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    arm_metrics,
    contrasts,
    correctness,
    recovery,
    statistics,
)

SCHEMA = "arch1_metrics.schema.yaml"
SCHEMA_VERSION = 1
PRIMARY = ("filtered", "video_only")  # named before any result is seen
CONTRASTS = (
    PRIMARY,
    ("filtered", "generated"),
    ("generated", "video_only"),
    ("real_audio", "video_only"),
    ("oracle_filter", "filtered"),
)
LEAKS = "reads the true label of every test clip; never a result, only a measure of the leak"


def build_report(
    *,
    data: Mapping[str, Any],
    labels: np.ndarray,
    arms: Mapping[str, ArmOutcome],
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
    sections: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of arch1_metrics.json; its shape is documented in the schema file.

    labels: int (N,) of the test clips. arms: video_only, generated, filtered, oracle_filter and
    real_audio. leaks: those that read the label of tested clips (`leaking_arms`). sections:
    generation, labels, filter, dictionary and provenance, ready made.
    """
    correct = {name: correctness(arm, labels) for name, arm in arms.items()}
    measured = {
        name: arm_metrics(arm, labels, correct[name], bootstrap) for name, arm in arms.items()
    }
    for name in leaks:
        measured[name]["leaks"] = LEAKS
    pairs = {f"{a}-{b}": (correct[a], correct[b]) for a, b in CONTRASTS}
    differences = contrasts(pairs, bootstrap, "-".join(PRIMARY))
    for a, b in CONTRASTS:
        if {a, b} & set(leaks):
            differences[f"{a}-{b}"]["leaks"] = LEAKS
    return {
        "schema_version": SCHEMA_VERSION,
        "system": "arch1",
        "data": dict(data),
        "arms": measured,
        "contrasts": differences,
        "recovery": {
            arm: recovery(correct, arm, bootstrap)
            for arm in ("generated", "filtered")
            if arm not in leaks
        },
        **sections,
        "statistics": statistics(
            bootstrap,
            "checkpoint of each classifier and percentile of the filter by log-loss, "
            "thresholds of predicted labels by micro-F1, all on validation clips",
        ),
    }
