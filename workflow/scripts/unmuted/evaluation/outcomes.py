"""The metrics of an arm, and the contrasts of two arms: the parts of every report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.evaluation.arms import BETTER_NULL, NULLS, REFERENCE
from unmuted.evaluation.better_null import against_better_null
from unmuted.evaluation.bootstrap import ALPHA, GroupBootstrap, interval, smallest_detectable
from unmuted.evaluation.controls import (
    CEILING,
    MARGIN,
    control_pairs,
    control_status,
    family_of,
    is_judged,
)
from unmuted.evaluation.metrics import (
    brier_scores,
    expected_under_calibration,
    f1_counts,
    log_losses,
    macro_f1_from_counts,
    reliability_bins,
)
from unmuted.evaluation.significance import (
    TINY,
    Name,
    adjusted_p_values,
    paired_p,
    smallest_reachable_p,
    verdict,
)

_DRAWN = (
    "95 % percentile bootstrap, stratified by class as the splits are: of the n source groups of "
    "test clips of each class n - 1 are drawn, each of which counts n / (n - 1) times"
)
_LONE = (
    "; classes with a single group are drawn from together, and a lone one of them is in every "
    "resample"
)
INTERVALS = f"{_DRAWN}; so are the seeds of training. The draws are the same for all arms{_LONE}"
INTERVALS_OF_ONE_SEED = (
    f"{_DRAWN}, the same for all arms{_LONE}; with one seed of training neither intervals nor p "
    "cover what another training would change"
)
NOT_COVERED = "no interval covers what another split, or other folds, would change"
TESTS = (
    "p is the larger of two: by sign flips of whole source groups (means over seeds), and by the "
    "share of the interval's own draws at or beyond 0, so that no p below 0.05 stands beside an "
    "interval that holds 0. G groups in which two arms differ allow no p below 2^(1-G). "
    "p_adjusted: Holm's method over the hypotheses; the primary contrast, controls and ceilings "
    "(contrasts with real audio, or with an arm that leaks) stand outside that family, and their p "
    "is not adjusted. Verdicts follow p_adjusted and not the interval; smallest_detectable is at "
    "the level 0.05 divided by the size of the contrast's family"
)
CONTROLS = (
    "an arm that must not win is an ALARM if it is significantly better (p below 0.05, not "
    "adjusted: by luck alone 1 control in 40 is), ok if its interval lies below the equivalence "
    "margin, and else undecided"
)
SECONDARY = (
    "Brier score and log-loss are secondary: their differences have intervals, but no p-values and "
    "no part in a verdict; negative ones are in favour of the first arm"
)
LOSSES = {"brier": brier_scores, "log_loss": log_losses}


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


@dataclass(frozen=True)
class EvaluationClips:
    """What all arms are measured on: the N test clips.

    Attributes:
        labels: int (N,).
        usable: bool (N,), which of them have usable sound.
        bootstrap: over their source groups and the seeds.
    """

    labels: np.ndarray
    usable: np.ndarray
    bootstrap: GroupBootstrap


def measure_arms(
    arms: Mapping[str, ArmOutcome],
    tests: EvaluationClips,
    pairs: Sequence[tuple[str, str]],
    roles: Mapping[str, str] | None = None,
    margin: float = MARGIN,
) -> dict[str, Any]:
    """Build the sections "arms" and "contrasts" of a system's report.

    pairs: of arms to contrast; the first is the primary contrast, which may be (arm, BETTER_NULL).
    Controls among the arms are contrasted with video_only as well. roles: by arm, as `roles_of`
    gives them. margin: of equivalence, for controls.
    """
    roles = roles or {}
    further = [pair for pair in control_pairs(roles) if pair not in pairs and pair[0] in arms]
    simple = [pair for pair in [*pairs, *further] if pair[1] != BETTER_NULL]
    return {
        "arms": {name: arm_metrics(arm, tests) for name, arm in arms.items()},
        "contrasts": arm_contrasts(arms, tests, simple, pairs[0], roles, margin),
    }


def arm_metrics(arm: ArmOutcome, tests: EvaluationClips) -> dict[str, Any]:
    """Compute accuracy, macro-F1, Brier score, log-loss and calibration of an arm."""
    labels, bootstrap = tests.labels, tests.bootstrap
    correct = correctness(arm, labels)
    predicted = arm.probabilities.argmax(axis=2)  # (S, N)
    classes = arm.probabilities.shape[2]
    counts = np.stack([f1_counts(labels, of_seed, classes) for of_seed in predicted], axis=1)
    f1_samples = bootstrap.over_seeds(macro_f1_from_counts(bootstrap.sums(counts)))
    losses = {name: loss(labels, arm.probabilities) for name, loss in LOSSES.items()}  # (S, N)
    return {
        "accuracy": measure(correct.mean(axis=1), bootstrap.means(correct)),
        "by_sound": accuracy_by_sound(correct, tests),
        "macro_f1": measure(macro_f1_from_counts(counts.sum(axis=0)), f1_samples),
        **{
            name: measure(loss.mean(axis=1), bootstrap.means(loss)) for name, loss in losses.items()
        },
        "ece": calibration(arm.probabilities, labels),
        "audio": dict(arm.audio),
        "chosen_epochs": list(arm.epochs),
    }


def accuracy_by_sound(correct: np.ndarray, tests: EvaluationClips) -> dict[str, Any]:
    """Compute the accuracy on test clips with usable sound, and on those without.

    correct: float (S, N). Without such clips the accuracy is None.
    """
    return {
        name: {"clips": int(where.sum()), "accuracy": _measure_where(correct, where, tests)}
        for name, where in _by_sound(tests).items()
    }


def calibration(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Compute the expected calibration error, and how much of it is the luck of few clips.

    probabilities: (S, N, C). `debiased` is the error minus what a perfectly calibrated classifier
    with these probabilities would show on average; below 0 it is smaller than that. `bins` are
    those of the error of each seed: from them it can be computed again.
    """
    bins = [reliability_bins(labels, of_seed) for of_seed in probabilities]
    per_seed = [of_seed.error for of_seed in bins]
    expected = [expected_under_calibration(of_seed) for of_seed in probabilities]
    return {
        "mean": float(np.mean(per_seed)),
        "per_seed": per_seed,
        "expected_under_calibration": float(np.mean(expected)),
        "debiased": float(np.mean(per_seed) - np.mean(expected)),
        "bins": {
            "clips": [of_seed.clips.tolist() for of_seed in bins],
            "correct": [of_seed.correct.tolist() for of_seed in bins],
            "confidence": [
                [None if np.isnan(mean) else mean for mean in of_seed.confidence.tolist()]
                for of_seed in bins
            ],
        },
    }


def measure(per_seed: np.ndarray, samples: np.ndarray) -> dict[str, Any]:
    """Sum up values (S,) with the interval of their resamples, of those where it is defined."""
    return {
        "mean": float(per_seed.mean()),
        "ci95": list(interval(samples[np.isfinite(samples)])),
        "per_seed": [float(value) for value in per_seed],
    }


def contrast(
    first: np.ndarray, second: np.ndarray, bootstrap: GroupBootstrap, primary: bool = False
) -> dict[str, Any]:
    """Compute the paired difference in accuracy of two arms, (S, N) each."""
    difference = first - second
    return {
        **_difference(difference, bootstrap),
        "per_seed": [float(value) for value in difference.mean(axis=1)],
        "primary": primary,
        "p": paired_p(difference, bootstrap),
    }


def contrasts(
    pairs: Mapping[Name, tuple[np.ndarray, np.ndarray]],
    bootstrap: GroupBootstrap,
    primary: Name | None = None,
    families: Mapping[Name, str] | None = None,
) -> dict[Name, dict[str, Any]]:
    """Compute the `contrast` of every pair of arms, (S, N) each, with adjusted p-values.

    primary: the pair that was named before any result, if any. families: by pair, as `family_of`
    gives them; all but the primary one are hypotheses unless given. Hypotheses are one family of
    Holm's method; each other contrast is tested alone.
    """
    given = families or {}
    family = {
        name: "primary" if name == primary else given.get(name, "hypothesis") for name in pairs
    }
    hypotheses = [name for name in pairs if family[name] == "hypothesis"]
    by_name = {
        name: contrast(first, second, bootstrap, primary=name == primary)
        for name, (first, second) in pairs.items()
    }
    adjusted = {name: found["p"] for name, found in by_name.items()}
    adjusted |= adjusted_p_values({name: by_name[name]["p"] for name in hypotheses})
    results = {}
    for name, found in by_name.items():
        level = ALPHA / len(hypotheses) if name in hypotheses else ALPHA
        first, second = pairs[name]
        results[name] = found | {
            "family": family[name],
            "p_adjusted": adjusted[name],
            "level": level,
            "smallest_detectable": smallest_detectable(bootstrap.means(first - second), level)
            or None,
            "verdict": verdict(found["delta"], adjusted[name], bootstrap, level),
        }
    return results


def arm_contrasts(
    arms: Mapping[str, ArmOutcome],
    tests: EvaluationClips,
    pairs: Sequence[tuple[str, str]],
    primary: tuple[str, str] | None,
    roles: Mapping[str, str],
    margin: float = MARGIN,
) -> dict[str, dict[str, Any]]:
    """Contrast arms in accuracy and, as secondary measures, in Brier score and log-loss.

    primary: one of the pairs, or (arm, BETTER_NULL) with the pairs of the arm with each null among
    them, or none. Controls are judged by the equivalence margin; see `control_status`. Other
    arguments as in `measure_arms`.
    """
    correct = correct_by_arm(arms, tests.labels)
    names = {pair: "-".join(pair) for pair in pairs}
    families = {name: family_of(pair, roles, pair == primary) for pair, name in names.items()}
    results = contrasts(
        {name: (correct[a], correct[b]) for (a, b), name in names.items()},
        tests.bootstrap,
        None if primary is None else names.get(primary),
        families,
    )
    losses = {
        loss: {name: of(tests.labels, arm.probabilities) for name, arm in arms.items()}
        for loss, of in LOSSES.items()
    }
    for (first, second), name in names.items():
        for loss, values in losses.items():
            results[name][loss] = _difference(values[first] - values[second], tests.bootstrap)
        if is_judged((first, second), families[name]):
            difference = correct[first] - correct[second]
            results[name]["control"] = control_status(
                results[name], difference, tests.bootstrap, margin
            )
    if primary is None or primary in names:
        return results
    return {"-".join(primary): _with_better_null(primary[0], results, correct, tests), **results}


def _with_better_null(
    arm: str,
    results: Mapping[str, Mapping[str, Any]],
    correct: Mapping[str, np.ndarray],
    tests: EvaluationClips,
) -> dict[str, Any]:
    """Return the primary contrast of an arm with the better of its nulls."""
    by_null = {null: results[f"{arm}-{null}"] for null in NULLS}
    found = against_better_null(by_null, correct)
    samples = tests.bootstrap.means(correct[arm] - correct[found["null"]])
    return found | {
        "family": "primary",
        "level": ALPHA,
        "smallest_detectable": smallest_detectable(samples, ALPHA) or None,
        "verdict": verdict(found["delta"], found["p"], tests.bootstrap, ALPHA),
    }


def statistics(bootstrap: GroupBootstrap, choices: str, families: str = "") -> dict[str, Any]:
    """Build the section "statistics" of every report.

    choices: what was chosen, by which criterion. families: describes contrasts that are corrected
    separately.
    """
    _, seeds = bootstrap.seed_shares.shape
    return {
        "intervals": INTERVALS if seeds > 1 else INTERVALS_OF_ONE_SEED,
        "not_covered": NOT_COVERED,
        "contrasts": "differences in accuracy",
        "tests": f"{TESTS}{families}",
        "controls": CONTROLS,
        "secondary": SECONDARY,
        "smallest_p": smallest_reachable_p(bootstrap),
        "resamples": len(bootstrap.draws),
        "test_groups": bootstrap.draws.shape[1],
        "classes_with_one_group": bootstrap.lone_classes,
        "choices": choices,
    }


def ceiling(arms: Mapping[str, ArmOutcome], tests: EvaluationClips) -> dict[str, Any]:
    """Compute what real audio gains over video_only on test clips with usable sound, and without.

    Without any such clips the gain is None.
    """
    real, video = (correctness(arms[name], tests.labels) for name in (CEILING, REFERENCE))
    gains = {}
    for name, where in _by_sound(tests).items():
        measured = _measure_where(real - video, where, tests)
        gain = None if measured is None else {"delta": measured["mean"], "ci95": measured["ci95"]}
        gains[name] = {"clips": int(where.sum()), "gain": gain}
    return gains


def recovery(
    arms: Mapping[str, ArmOutcome], arm: str, tests: EvaluationClips
) -> dict[str, Any] | str:
    """Compute the share of real audio's gain over video that an arm recovers; or "undefined".

    It is of test clips with usable sound: on the others, real audio is no ceiling. arms: including
    video_only and real_audio.
    """
    if not tests.usable.any():
        return "undefined"
    correct = correct_by_arm({name: arms[name] for name in (REFERENCE, arm, CEILING)}, tests.labels)
    means = {name: values[:, tests.usable].mean() for name, values in correct.items()}
    resampled = [tests.bootstrap.means(correct[name], tests.usable) for name in correct]
    video, imputed, real = (samples[np.isfinite(samples)] for samples in resampled)
    if interval(real - video)[0] <= TINY:
        return "undefined"
    defined = np.abs(real - video) > TINY
    samples = (imputed - video)[defined] / (real - video)[defined]
    gain = means[CEILING] - means[REFERENCE]
    return {
        "clips": int(tests.usable.sum()),
        "value": float((means[arm] - means[REFERENCE]) / gain),
        "ci95": list(interval(samples)),
    }


def _difference(difference: np.ndarray, bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Sum up a paired difference (S, N) with its interval."""
    samples = bootstrap.means(difference)
    return {"delta": float(difference.mean()), "ci95": list(interval(samples))}


def _by_sound(tests: EvaluationClips) -> dict[str, np.ndarray]:
    return {"with_sound": tests.usable, "without_sound": ~tests.usable}


def _measure_where(
    values: np.ndarray, where: np.ndarray, tests: EvaluationClips
) -> dict[str, Any] | None:
    """Average values (S, N) over some clips, bool (N,); None without any."""
    if not where.any():
        return None
    return measure(values[:, where].mean(axis=1), tests.bootstrap.means(values, where))
