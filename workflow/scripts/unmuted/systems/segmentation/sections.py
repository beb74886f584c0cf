"""The sections of the report: arms, dependence on the sound, contrasts and ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import ALPHA, GroupBootstrap, interval, smallest_detectable
from unmuted.evaluation.significance import adjusted_p_values, paired_p, verdict
from unmuted.systems.segmentation.arms import (
    ABLATIONS,
    ARMS,
    COMPARED_WITH,
    MAIN,
    OTHER,
    PRIMARY,
    REAL,
)
from unmuted.systems.segmentation.clip_data import OWN
from unmuted.systems.segmentation.measured import (
    Scored,
    Seconds,
    condition_measures,
    follows,
    own_measures,
)

SILENCE = "silence"


@dataclass(frozen=True)
class Tested:
    """A set of N test clips: their seconds, and the draws of their sources and of seeds."""

    seconds: Seconds
    clips: int
    bootstrap: GroupBootstrap
    groups: Sequence[str]


def measured(values: np.ndarray, bootstrap: GroupBootstrap) -> dict[str, Any] | None:
    """Return mean, interval and means by seed of a measure (S, N); None where no clip has it."""
    has_value = ~np.isnan(values).any(axis=0)
    if not has_value.any():
        return None
    filled = np.where(has_value, values, 0.0)
    per_seed = values[:, has_value].mean(axis=1)
    samples = bootstrap.means(filled, has_value)
    samples = samples[~np.isnan(samples)]
    return {
        "mean": float(per_seed.mean()),
        "ci95": list(interval(samples)),
        "per_seed": per_seed.tolist(),
        "clips": int(has_value.sum()),
    }


def arm_section(own: Scored, tested: Tested) -> dict[str, Any]:
    """Measure an arm with the clips' own sound."""
    found = own_measures(own, tested.seconds, tested.clips)
    return {name: measured(values, tested.bootstrap) for name, values in found.items()}


def per_class(own: Scored, tested: Tested, labels: Sequence[str]) -> dict[str, Any]:
    """Return the mean IoU of each class over seeds, and the mean of the classes."""
    values = own_measures(own, tested.seconds, tested.clips)["iou"]
    names = np.asarray(labels)
    means = {}
    for name in sorted(set(labels)):
        chosen = values[:, names == name]
        chosen = chosen[:, ~np.isnan(chosen).any(axis=0)]
        if chosen.size:
            means[name] = float(chosen.mean())
    macro = float(np.mean(list(means.values()))) if means else None
    return {"iou": means, "macro_iou": macro}


def dependence_section(by_condition: Mapping[str, Scored], tested: Tested) -> dict[str, Any]:
    """Measure what another sound than the clips' own does to the masks of an arm."""
    own = by_condition[OWN]
    seconds, clips, bootstrap = tested.seconds, tested.clips, tested.bootstrap
    rows: dict[str, Any] = {
        condition: {
            name: measured(values, bootstrap)
            for name, values in condition_measures(scored, seconds, clips).items()
        }
        for condition, scored in by_condition.items()
    }
    rows["follows"] = None
    if OTHER in by_condition:
        rows["follows"] = measured(follows(own, by_condition[OTHER], seconds, clips), bootstrap)
    return rows


def contrast(
    first: np.ndarray, second: np.ndarray, tested: Tested, level: float
) -> dict[str, Any] | None:
    """Compare two arms by a measure (S, N), on clips that have it in both; None without any."""
    difference = first - second
    has_value = ~np.isnan(difference).any(axis=0)
    if not has_value.any():
        return None
    filled = np.where(has_value, difference, 0.0)
    samples = tested.bootstrap.means(filled, has_value)
    samples = samples[~np.isnan(samples)]
    return {
        "delta": float(difference[:, has_value].mean()),
        "ci95": list(interval(samples)),
        "p": paired_p(filled, tested.bootstrap),
        "smallest_detectable": smallest_detectable(samples, level),
        "clips": int(has_value.sum()),
        "level": level,
    }


def contrast_pairs(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return the contrasts of the main arms that there are, the primary one first."""
    others = [(REAL, arm.name) for arm in MAIN if arm.name not in PRIMARY]
    return [pair for pair in (PRIMARY, *others) if set(pair) <= set(arms)]


def ablation_pairs(arms: Sequence[str]) -> list[tuple[str, str]]:
    """Return each ablation that there is with the arm that it differs from in one thing."""
    pairs = [(arm.name, COMPARED_WITH[arm.name]) for arm in ABLATIONS]
    return [pair for pair in pairs if set(pair) <= set(arms)]


def contrast_section(
    measures: Mapping[str, np.ndarray],
    pairs: Sequence[tuple[str, str]],
    tested: Tested,
    primary: tuple[str, str] | None,
) -> dict[str, Any]:
    """Contrast pairs of arms; all but the primary pair are one family of Holm's method.

    measures: by arm, (S, N).
    """
    family = [pair for pair in pairs if pair != primary]
    found = {}
    for pair in pairs:
        level = ALPHA if pair == primary else ALPHA / max(len(family), 1)
        one = contrast(measures[pair[0]], measures[pair[1]], tested, level)
        if one is not None:
            found[pair] = one
    known = primary if primary in found else None
    adjusted = adjusted_p_values({pair: one["p"] for pair, one in found.items()}, known)
    return {
        f"{first}-{second}": {
            **one,
            "primary": (first, second) == primary,
            "p_adjusted": adjusted[first, second],
            "verdict": verdict(
                one["delta"], adjusted[first, second], tested.bootstrap, one["level"]
            ),
        }
        for (first, second), one in found.items()
    }


def criteria(
    arms: Mapping[str, Any], dependence: Mapping[str, Any], bounded: Mapping[str, Any]
) -> dict[str, bool | None]:
    """Judge the configured network by the goals of the demo; null where they cannot be judged."""
    real, rows = arms.get(REAL), dependence.get(REAL, {})

    def at_least(found: Mapping[str, Any] | None, goal: float) -> bool | None:
        return None if found is None else found["mean"] >= goal

    silence = (rows.get(SILENCE) or {}).get("empty")
    ab_iou = real and real["ab_iou"]
    return {
        "ab_iou_at_least_0.62": at_least(ab_iou, 0.62),
        "ab_iou_interval_above_0.50": None if not ab_iou else ab_iou["ci95"][0] > 0.5,
        "follows_at_least_0.90": at_least(rows.get("follows"), 0.90),
        "empty_in_silence_at_least_0.99": at_least(silence, 0.99),
        "empty_off_screen_at_least_0.70": at_least(real and real["empty_off_screen"], 0.70),
        "functions_of_the_picture_at_most_0.50": None
        if not bounded
        else all(mean <= 0.5 + 1e-9 for means in bounded.values() for mean in means),
    }


def in_words(arm: str) -> dict[str, Any]:
    """Return what an arm is, for the report."""
    found = ARMS[arm]
    return {"meaning": found.meaning, "trained_on": found.audio, "oracle": found.is_oracle}
