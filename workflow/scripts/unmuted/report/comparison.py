"""The comparison of all arms on the same clips, and of what missing audio costs each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.errors import UserError
from unmuted.missing import area_under_rate_curve
from unmuted.report.bootstrap import GroupBootstrap, interval
from unmuted.report.outcomes import (
    ArmOutcome,
    arm_metrics,
    contrasts,
    correctness,
    recovery,
)

SCHEMA = "comparison.schema.yaml"
SCHEMA_VERSION = 1
REFERENCE, BEST = "video_only", "real_audio"
FURTHER = (  # contrasts beside those of every arm with video only
    ("generated_arch1", "video_only_matched"),
    ("generated_arch2", "video_only_matched"),
    ("generated_arch2", "knn_audio"),
    ("filtered", "generated_arch1"),
    ("filtered", "shuffled_dictionary"),
    ("oracle_filter", "filtered"),
)
CHOICES = (
    "checkpoint of each classifier and percentile of the filter by log-loss on validation clips"
)


@dataclass(frozen=True)
class Compared:
    """Everything that the comparison rests on.

    arms: by name. roles: "arm", "control" or "leaks". labels: int (N,).
    """

    arms: Mapping[str, ArmOutcome]
    roles: Mapping[str, str]
    labels: np.ndarray
    bootstrap: GroupBootstrap

    @property
    def correct(self) -> dict[str, np.ndarray]:
        """1 where a seed's classifier is right, (S, N) by arm."""
        return {name: correctness(arm, self.labels) for name, arm in self.arms.items()}


def compare_arms(compared: Compared, primary: str) -> dict[str, Any]:
    """Sections "arms", "contrasts" and "recovery". Raises UserError for an unknown primary."""
    correct = compared.correct
    arms = {
        name: {
            "role": compared.roles[name],
            **arm_metrics(arm, compared.labels, correct[name], compared.bootstrap),
        }
        for name, arm in compared.arms.items()
    }
    pairs = [(name, REFERENCE) for name in arms if name != REFERENCE]
    pairs += [pair for pair in FURTHER if set(pair) <= set(arms)]
    names = {f"{a}-{b}": (a, b) for a, b in pairs}
    if primary not in names:
        raise UserError(f"comparison.primary is {primary!r}, expected one of: {', '.join(names)}")
    found = contrasts(
        {name: (correct[a], correct[b]) for name, (a, b) in names.items()},
        compared.bootstrap,
        primary,
    )
    for name, pair in names.items():
        found[name]["leaks"] = "leaks" in {compared.roles[arm] for arm in pair}
    others = [name for name in arms if name not in (REFERENCE, BEST)]
    return {
        "arms": arms,
        "contrasts": found,
        "recovery": {name: recovery(correct, name, compared.bootstrap) for name in others},
    }


@dataclass(frozen=True)
class Heard:
    """Whether an arm's classifiers are right about each clip, (S, N), by what is heard of it.

    own: its own sound. missing: nothing, and the arm fills it. noise, swapped: that, unnoticed.
    """

    own: np.ndarray
    missing: np.ndarray
    noise: np.ndarray
    swapped: np.ndarray

    def at(self, kind: str, hit: np.ndarray) -> np.ndarray:
        """(S, N) where the clips `hit`, bool (N,), have lost their sound in this way."""
        lost = {"no_stream": self.missing, "silence": self.missing}.get(kind)
        return np.where(hit, getattr(self, kind) if lost is None else lost, self.own)


def rate_curves(
    heard: Mapping[str, Heard],
    masks: Mapping[float, np.ndarray],
    kinds: Sequence[str],
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    """Accuracy of each arm over the share of clips without their sound, by kind and arm.

    masks: by rate, rising, bool (N,), nested.
    """
    rates = list(masks)
    return {
        kind: {
            arm: _curve(np.stack([one.at(kind, hit) for hit in masks.values()]), rates, bootstrap)
            for arm, one in heard.items()
        }
        for kind in kinds
    }


def _curve(
    correct: np.ndarray, rates: Sequence[float], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """correct: (R, S, N)."""
    samples = np.stack([bootstrap.means(one) for one in correct], axis=1)  # (resamples, R)
    per_seed = correct.mean(axis=2)  # (R, S)
    accuracy = [
        {"mean": float(mean), "ci95": list(interval(sample)), "per_seed": seeds.tolist()}
        for mean, sample, seeds in zip(per_seed.mean(axis=1), samples.T, per_seed, strict=True)
    ]
    areas = area_under_rate_curve(rates, per_seed.T)  # (S,)
    return {
        "accuracy": accuracy,
        "area": {
            "mean": float(np.mean(areas)),
            "ci95": list(interval(area_under_rate_curve(rates, samples))),
            "per_seed": np.asarray(areas).tolist(),
        },
    }


COLUMNS = ("training_rate", "kind", "test_rate", "arm", "role", "seed", "measure", "value")


def tidy_rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a measurement: every seed of every arm, and of every point of the rate curves."""
    seeds = report["provenance"]["seeds"]
    for arm, measured in report["arms"].items():
        for measure in ("accuracy", "macro_f1", "ece"):
            for seed, value in zip(seeds, measured[measure]["per_seed"], strict=True):
                yield _row(0, "", "", arm, measured["role"], seed, measure, value)
    for training_rate, kinds in report["missing"]["curves"].items():
        for kind, arms in kinds.items():
            for arm, curve in arms.items():
                points = zip(report["missing"]["test_rates"], curve["accuracy"], strict=True)
                for rate, point in points:
                    for seed, value in zip(seeds, point["per_seed"], strict=True):
                        where = (training_rate, kind, rate)
                        yield _row(*where, arm, "arm", seed, "accuracy", value)


def _row(*values: object) -> dict[str, Any]:
    return dict(zip(COLUMNS, values, strict=True))
