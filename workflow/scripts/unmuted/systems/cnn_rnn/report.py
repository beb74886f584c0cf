"""The report of the CNN-RNN recogniser: what it reached by class, and what it learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    arm_metrics,
    contrasts,
    correctness,
    statistics,
)

SCHEMA = "cnn_rnn_metrics.schema.yaml"
SCHEMA_VERSION = 1
SYSTEM, BASELINE = "cnn_rnn", "majority"
PRIMARY = (SYSTEM, BASELINE)  # the only one


def build_report(
    *,
    data: Mapping[str, Any],
    labels: np.ndarray,
    outcome: ArmOutcome,
    learnt: Mapping[str, Sequence[int]],
    bootstrap: GroupBootstrap,
    training: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of cnn_rnn_metrics.json; its shape is documented in the schema file.

    labels: int (N,) of the test clips. outcome: of the recogniser on them. learnt: class counts of
    the clips that it was trained on ("train") and chosen by ("val"). training: the section
    "training" but for what follows from `learnt`.
    """
    arms = {SYSTEM: outcome, BASELINE: majority(learnt["train"], outcome)}
    correct = {name: correctness(arm, labels) for name, arm in arms.items()}
    names = data["classes"]
    return {
        "schema_version": SCHEMA_VERSION,
        "system": SYSTEM,
        "data": dict(data),
        "arms": {
            name: arm_metrics(arm, labels, correct[name], bootstrap) for name, arm in arms.items()
        },
        "contrasts": contrasts(
            {"-".join(PRIMARY): (correct[SYSTEM], correct[BASELINE])},
            bootstrap,
            "-".join(PRIMARY),
        ),
        "training": {
            **training,
            "train": int(sum(learnt["train"])),
            "val": int(sum(learnt["val"])),
            "starved_classes": [
                name for name, count in zip(names, learnt["train"], strict=True) if not count
            ],
        },
        "classes": [
            {
                "label": name,
                "train": int(learnt["train"][i]),
                "val": int(learnt["val"][i]),
                "test": int((labels == i).sum()),
                "recall": recall(correct[SYSTEM][:, labels == i]),
            }
            for i, name in enumerate(names)
        ],
        "statistics": statistics(
            bootstrap, "checkpoint of each classifier by log-loss on validation clips"
        ),
        "provenance": dict(provenance),
    }


def majority(counts: Sequence[int], outcome: ArmOutcome) -> ArmOutcome:
    """The guess of the class with the most training clips, for the clips and seeds of `outcome`.

    counts: training clips of each class, (C,); of equal ones the first by name is guessed. The
    probabilities are the shares of the classes.
    """
    shares = np.float32(counts) / max(sum(counts), 1)
    probabilities = np.broadcast_to(shares, outcome.probabilities.shape)
    return ArmOutcome(probabilities, {"train": "none", "test": "none"}, [1] * len(probabilities))


def recall(correct: np.ndarray) -> dict[str, Any] | None:
    """Share of right answers about the clips of one class, (S, n); None for no clips."""
    if correct.shape[1] == 0:
        return None
    per_seed = correct.mean(axis=1)
    return {"mean": float(per_seed.mean()), "per_seed": per_seed.tolist()}
