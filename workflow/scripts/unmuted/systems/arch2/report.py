"""The report of architecture 2: arms, contrasts and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unmuted.evaluation import schema
from unmuted.evaluation.bootstrap import GroupBootstrap
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    arm_metrics,
    contrasts,
    correctness,
    recovery,
    statistics,
)

SCHEMA = "arch2_metrics.schema.yaml"
SCHEMA_VERSION = 1
PRIMARY = ("generated", "video_only")  # named before any result is seen
CONTRASTS = (PRIMARY, ("real_audio", "video_only"))


def build_report(
    *,
    data: Mapping[str, Any],
    labels: np.ndarray,
    arms: Mapping[str, ArmOutcome],
    bootstrap: GroupBootstrap,
    generation: Mapping[str, Any],
    semantics: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of arch2_metrics.json; its shape is documented in the schema file.

    data: classes (names), train, val, test, groups (counts) and excluded {reason: count}. labels:
    int (N,) of the test clips. arms: video_only, generated and real_audio, all with the same
    seeds and clips. bootstrap: over the source groups of the N clips and the seeds. generation,
    semantics, provenance: those sections, ready made. Raises ValueError with arms of different
    shapes.
    """
    shapes = {name: arm.probabilities.shape for name, arm in arms.items()}
    _, clips, _ = next(iter(shapes.values()))
    if len(set(shapes.values())) > 1 or clips != len(labels):
        raise ValueError(
            f"arms need probabilities of one shape (seeds, {len(labels)} clips, classes), "
            f"got {shapes}"
        )
    correct = {name: correctness(arm, labels) for name, arm in arms.items()}
    return {
        "schema_version": SCHEMA_VERSION,
        "system": "arch2",
        "data": dict(data),
        "arms": {
            name: arm_metrics(arm, labels, correct[name], bootstrap) for name, arm in arms.items()
        },
        "contrasts": contrasts(
            {f"{a}-{b}": (correct[a], correct[b]) for a, b in CONTRASTS},
            bootstrap,
            "-".join(PRIMARY),
        ),
        "recovery": recovery(correct, "generated", bootstrap),
        "generation": dict(generation),
        "semantics": dict(semantics),
        "statistics": statistics(
            bootstrap, "checkpoint of each classifier by log-loss on validation clips"
        ),
        "provenance": dict(provenance),
    }


def write_arch2(path: Path, report: dict[str, Any]) -> None:
    """Check the report against its schema and write it."""
    schema.write_report(path, report, SCHEMA)
