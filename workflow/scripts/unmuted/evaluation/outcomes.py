"""The metrics of an arm, and the contrasts of two arms: the parts of every report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap, interval, smallest_detectable
from unmuted.evaluation.metrics import (
    expected_calibration_error,
    f1_counts,
    macro_f1_from_counts,
)
from unmuted.evaluation.significance import Name, adjusted_p_values, paired_p, smallest_reachable_p

INTERVALS = (
    "95 % percentile bootstrap: whole source groups of test clips and the seeds of training are "
    "drawn, the same ones for all arms"
)
INTERVALS_OF_ONE_SEED = (
    "95 % percentile bootstrap: whole source groups of test clips are drawn, the same ones for all "
    "arms; with one seed of training neither intervals nor p cover what another training would "
    "change"
)
TESTS = (
    "p is the larger of two: by sign flips of whole source groups (means over seeds), and by the "
    "share of the interval's own draws at or beyond 0, so that no p below 0.05 stands beside an "
    "interval that holds 0. G groups in which two arms differ allow no p below 2^(1-G). "
    "p_adjusted: Holm's method over all contrasts but the primary one"
)


@dataclass(frozen=True)
class ArmOutcome:
    """The predictions of one arm's classifiers for the test clips."""

    probabilities: np.ndarray  # float32 (S, N, C), one per seed
    audio: dict[str, str]  # {"train": ..., "test": ...} in words
    epochs: list[int]  # of the checkpoint chosen on validation clips, one per seed


def correctness(arm: ArmOutcome, labels: np.ndarray) -> np.ndarray:
    """Return 1 where a seed's classifier is right, else 0: float (S, N)."""
    return (arm.probabilities.argmax(axis=2) == labels).astype(np.float64)


def correct_by_arm(arms: Mapping[str, ArmOutcome], labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return `correctness`, float (S, N), by arm; labels: int (N,)."""
    return {name: correctness(arm, labels) for name, arm in arms.items()}


def measure_arms(
    arms: Mapping[str, ArmOutcome],
    labels: np.ndarray,
    pairs: Sequence[tuple[str, str]],
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    """Build the sections "arms" and "contrasts" of a system's report.

    labels: int (N,). pairs: of arms to contrast; the first is the primary contrast.
    """
    correct = correct_by_arm(arms, labels)
    by_pair = {f"{a}-{b}": (correct[a], correct[b]) for a, b in pairs}
    return {
        "arms": {
            name: arm_metrics(arm, labels, correct[name], bootstrap) for name, arm in arms.items()
        },
        "contrasts": contrasts(by_pair, bootstrap, "-".join(pairs[0])),
    }


def arm_metrics(
    arm: ArmOutcome,
    labels: np.ndarray,
    correct: np.ndarray,
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    """Compute accuracy, macro-F1 and calibration of an arm; correct: float (S, N)."""
    predicted = arm.probabilities.argmax(axis=2)  # (S, N)
    classes = arm.probabilities.shape[2]
    counts = np.stack([f1_counts(labels, of_seed, classes) for of_seed in predicted], axis=1)
    f1_samples = bootstrap.over_seeds(macro_f1_from_counts(bootstrap.sums(counts)))
    calibration = [expected_calibration_error(labels, of_seed) for of_seed in arm.probabilities]
    return {
        "accuracy": measure(correct.mean(axis=1), bootstrap.means(correct)),
        "macro_f1": measure(macro_f1_from_counts(counts.sum(axis=0)), f1_samples),
        "ece": {"mean": float(np.mean(calibration)), "per_seed": calibration},
        "audio": dict(arm.audio),
        "chosen_epochs": list(arm.epochs),
    }


def measure(per_seed: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """Sum up values (S,) with the interval of their resamples."""
    return {
        "mean": float(per_seed.mean()),
        "ci95": list(interval(samples)),
        "per_seed": [float(value) for value in per_seed],
    }


def contrast(
    first: np.ndarray, second: np.ndarray, bootstrap: GroupBootstrap, primary: bool = False
) -> dict[str, Any]:
    """Compute the paired difference in accuracy of two arms, (S, N) each."""
    difference = first - second
    samples = bootstrap.means(difference)
    return {
        "delta": float(difference.mean()),
        "ci95": list(interval(samples)),
        "per_seed": [float(value) for value in difference.mean(axis=1)],
        "smallest_detectable": smallest_detectable(samples) or None,
        "primary": primary,
        "p": paired_p(difference, bootstrap),
    }


def contrasts(
    pairs: Mapping[Name, tuple[np.ndarray, np.ndarray]],
    bootstrap: GroupBootstrap,
    primary: Name | None = None,
) -> dict[Name, dict[str, Any]]:
    """Compute the `contrast` of every pair of arms, (S, N) each, with adjusted p-values.

    primary: the pair that was named before any result, if any; the others are one family (Holm).
    """
    by_name = {
        name: contrast(first, second, bootstrap, primary=name == primary)
        for name, (first, second) in pairs.items()
    }
    adjusted = adjusted_p_values({name: pair["p"] for name, pair in by_name.items()}, primary)
    return {name: pair | {"p_adjusted": adjusted[name]} for name, pair in by_name.items()}


def statistics(bootstrap: GroupBootstrap, choices: str, families: str = "") -> dict[str, Any]:
    """Build the section "statistics" of every report.

    choices: what was chosen, by which criterion. families: describes contrasts that are corrected
    separately.
    """
    _, seeds = bootstrap.seed_shares.shape
    return {
        "intervals": INTERVALS if seeds > 1 else INTERVALS_OF_ONE_SEED,
        "contrasts": "differences in accuracy",
        "tests": f"{TESTS}{families}",
        "smallest_p": smallest_reachable_p(bootstrap),
        "resamples": len(bootstrap.draws),
        "test_groups": bootstrap.draws.shape[1],
        "choices": choices,
    }


def recovery(
    correct: Mapping[str, np.ndarray], arm: str, bootstrap: GroupBootstrap
) -> dict[str, Any] | str:
    """Compute the share of real audio's gain over video that an arm recovers; or "undefined".

    correct: (S, N) of `correctness` by arm, including video_only and real_audio.
    """
    means = {name: correct[name].mean() for name in ("video_only", arm, "real_audio")}
    video, imputed, real = (bootstrap.means(correct[name]) for name in means)
    if interval(real - video)[0] <= 0:
        return "undefined"
    samples = (imputed - video)[real != video] / (real - video)[real != video]
    gain = means["real_audio"] - means["video_only"]
    return {
        "value": float((means[arm] - means["video_only"]) / gain),
        "ci95": list(interval(samples)),
    }
