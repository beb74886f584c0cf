"""The report of architecture 2: arms, contrasts and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unmuted.report import schema
from unmuted.report.bootstrap import GroupBootstrap, interval, smallest_detectable
from unmuted.report.metrics import (
    expected_calibration_error,
    f1_counts,
    macro_f1_from_counts,
)

SCHEMA = "arch2_metrics.schema.yaml"
SCHEMA_VERSION = 1
FEWEST_SEEDS = 5
PRIMARY = ("generated", "video_only")  # named before any result is seen
CONTRASTS = (PRIMARY, ("real_audio", "video_only"))
INTERVALS = (
    "95 % percentile bootstrap: whole source groups of test clips and the seeds of training are "
    "drawn, the same ones for all arms"
)


@dataclass(frozen=True)
class ArmOutcome:
    """What the classifiers of one arm said about the test clips."""

    probabilities: np.ndarray  # float32 (S, N, C), one a seed
    audio: dict[str, str]  # {"train": ..., "test": ...} in words
    epochs: list[int]  # of the checkpoint chosen on validation, one a seed


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
    semantics, provenance: those sections, ready made. Raises ValueError with fewer than 5 seeds,
    or with arms of different shapes.
    """
    shapes = {name: arm.probabilities.shape for name, arm in arms.items()}
    seeds, clips, _ = next(iter(shapes.values()))
    if len(set(shapes.values())) > 1 or clips != len(labels) or seeds < FEWEST_SEEDS:
        raise ValueError(
            f"arms need probabilities of one shape ({FEWEST_SEEDS} or more seeds, {len(labels)} "
            f"clips, classes), got {shapes}"
        )
    correct = {name: _correct(arm, labels) for name, arm in arms.items()}
    contrasts = {
        f"{a}-{b}": _contrast(correct[a], correct[b], bootstrap, primary=(a, b) == PRIMARY)
        for a, b in CONTRASTS
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "system": "arch2",
        "data": dict(data),
        "arms": {name: _arm(arm, labels, correct[name], bootstrap) for name, arm in arms.items()},
        "contrasts": contrasts,
        "recovery": _recovery(correct, contrasts, bootstrap),
        "generation": dict(generation),
        "semantics": dict(semantics),
        "statistics": {
            "intervals": INTERVALS,
            "contrasts": "differences in accuracy",
            "resamples": len(bootstrap.draws),
            "test_groups": bootstrap.draws.shape[1],
            "choices": "checkpoint of each classifier by log-loss on validation clips",
        },
        "provenance": dict(provenance),
    }


def write_arch2(path: Path, report: dict[str, Any]) -> None:
    """Check the report against its schema and write it."""
    schema.write_report(path, report, SCHEMA)


def _correct(arm: ArmOutcome, labels: np.ndarray) -> np.ndarray:
    """float (S, N), 1 where the seed's classifier is right"""
    return (arm.probabilities.argmax(axis=2) == labels).astype(np.float64)


def _arm(
    arm: ArmOutcome,
    labels: np.ndarray,
    correct: np.ndarray,
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    predicted = arm.probabilities.argmax(axis=2)  # (S, N)
    classes = arm.probabilities.shape[2]
    counts = np.stack([f1_counts(labels, one, classes) for one in predicted], axis=1)
    f1_samples = bootstrap.over_seeds(macro_f1_from_counts(bootstrap.sums(counts)))
    calibration = [expected_calibration_error(labels, one) for one in arm.probabilities]
    return {
        "accuracy": _measure(correct.mean(axis=1), bootstrap.means(correct)),
        "macro_f1": _measure(macro_f1_from_counts(counts.sum(axis=0)), f1_samples),
        "ece": {"mean": float(np.mean(calibration)), "per_seed": calibration},
        "audio": dict(arm.audio),
        "chosen_epochs": list(arm.epochs),
    }


def _measure(per_seed: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    return {
        "mean": float(per_seed.mean()),
        "ci95": list(interval(samples)),
        "per_seed": [float(value) for value in per_seed],
    }


def _contrast(
    first: np.ndarray, second: np.ndarray, bootstrap: GroupBootstrap, primary: bool
) -> dict[str, Any]:
    """Difference in accuracy of two arms (S, N) each, clip by clip and seed by seed."""
    difference = first - second
    samples = bootstrap.means(difference)
    return {
        "delta": float(difference.mean()),
        "ci95": list(interval(samples)),
        "per_seed": [float(value) for value in difference.mean(axis=1)],
        "smallest_detectable": smallest_detectable(samples) or None,
        "primary": primary,
    }


def _recovery(
    correct: Mapping[str, np.ndarray],
    contrasts: Mapping[str, Mapping[str, Any]],
    bootstrap: GroupBootstrap,
) -> dict[str, Any] | str:
    """Share of the gain of real audio that generated audio brings back, if there is a gain."""
    gain = contrasts["real_audio-video_only"]
    low, _ = gain["ci95"]
    if low <= 0:
        return "undefined"
    video, generated, real = (
        bootstrap.means(correct[name]) for name in ("video_only", "generated", "real_audio")
    )
    samples = (generated - video)[real != video] / (real - video)[real != video]
    return {
        "value": contrasts["generated-video_only"]["delta"] / gain["delta"],
        "ci95": list(interval(samples)),
    }
