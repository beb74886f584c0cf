"""Sections of the comparison's report, and the report as a table: all arms on the same clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmuted.errors import UserError
from unmuted.evaluation.arms import REFERENCE, SYSTEMS, contrast_pairs
from unmuted.evaluation.controls import CEILING, MARGIN
from unmuted.evaluation.missing_audio import KIND
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    EvaluationClips,
    arm_contrasts,
    arm_metrics,
    ceiling,
    recovery,
)
from unmuted.samples.experiment import Experiment
from unmuted.systems.comparison.chosen_arms import ChosenArms

SCHEMA_VERSION = 1


def choices(chosen: ChosenArms) -> str:
    """Describe in words what was chosen for these arms, and by which criterion."""
    pilot = "pilot_selection" in chosen.reads["comparison"]
    *others, last = [
        "checkpoint of each classifier",
        *(["percentile of the filter"] if chosen.filters else []),
        *(["lambda of the pilot"] if pilot else []),
    ]
    words = f"{', '.join(others)} and {last}" if others else last
    return f"{words} by log-loss on validation clips"


@dataclass(frozen=True)
class ComparisonData:
    """The data of the comparison.

    arms: by name. roles: by arm, as `roles_of` gives them. clips: the test clips. margin: of
    equivalence, for controls.
    """

    arms: Mapping[str, ArmOutcome]
    roles: Mapping[str, str]
    clips: EvaluationClips
    margin: float = MARGIN


def compare_arms(compared: ComparisonData, primary: str) -> dict[str, Any]:
    """Build the sections "arms", "contrasts", "ceiling" and "recovery".

    Raises UserError for an unknown primary contrast.
    """
    arms = {
        name: {"role": compared.roles[name], **arm_metrics(arm, compared.clips)}
        for name, arm in compared.arms.items()
    }
    names = {f"{a}-{b}": (a, b) for a, b in contrast_pairs(arms)}
    if primary not in names:
        raise UserError(f"comparison.primary is {primary!r}, expected one of: {', '.join(names)}")
    by_name = arm_contrasts(
        compared.arms,
        compared.clips,
        list(names.values()),
        names[primary],
        compared.roles,
        compared.margin,
    )
    for name, pair in names.items():
        by_name[name]["leaks"] = "leaks" in {compared.roles[arm] for arm in pair}
    honest = [name for name in arms if compared.roles[name] != "leaks"]
    others = [name for name in honest if name not in (REFERENCE, CEILING, *SYSTEMS)]
    return {
        "arms": arms,
        "contrasts": by_name,
        "ceiling": ceiling(compared.arms, compared.clips),
        "recovery": {name: recovery(compared.arms, name, compared.clips) for name in others},
    }


def sample_counts(experiments: Mapping[str, Experiment]) -> dict[str, dict[str, int]]:
    """Count the samples on which each system is trained, chosen and tested."""
    return {
        system: {split: len(experiment.split(split)) for split in ("train", "val", "test")}
        for system, experiment in experiments.items()
    }


COLUMNS = ("training_rate", "kind", "test_rate", "arm", "role", "seed", "measure", "value")


def tidy_rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row per measurement.

    There is a row for every seed of every arm, of every point of the rate curves, and of the
    differences under missing audio. Intervals and p-values of these are rows without a seed.
    """
    seeds, missing = report["provenance"]["seeds"], report["missing"]
    own_rate = f"{missing['training_rate']:g}"
    for arm, measured in report["arms"].items():
        for measure in ("accuracy", "macro_f1", "ece"):
            for seed, value in zip(seeds, measured[measure]["per_seed"], strict=True):
                yield _row(own_rate, "", "", arm, measured["role"], seed, measure, value)
    yield from _curve_rows(seeds, missing)
    for training_rate, measures in missing["contrasts"].items():
        for measure, pairs in measures.items():
            rate = "" if measure == "area" else missing["test_rates"][-1]
            for pair, difference in pairs.items():
                place = (training_rate, KIND, rate, pair, _role(difference, "contrast"))
                rows = _difference_rows(seeds, measure, difference)
                yield from (_row(*place, *row) for row in rows)


def _curve_rows(seeds: Sequence[int], missing: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row per seed of every point of the rate curves."""
    for training_rate, kinds in missing["curves"].items():
        for kind, arms in kinds.items():
            for arm, curve in arms.items():
                points = zip(missing["test_rates"], curve["accuracy"], strict=True)
                for rate, point in points:
                    for seed, value in zip(seeds, point["per_seed"], strict=True):
                        where = (training_rate, kind, rate)
                        yield _row(*where, arm, _role(curve), seed, "accuracy", value)


def _role(measured: Mapping[str, Any], honest: str = "arm") -> str:
    return "leaks" if measured["leaks"] else honest


def _difference_rows(
    seeds: Sequence[int], measure: str, difference: Mapping[str, Any]
) -> Iterator[tuple[object, str, float]]:
    """Yield (seed, measure, value) of one difference."""
    name = {"area": "area", "largest_rate": "accuracy"}[measure]
    for seed, value in zip(seeds, difference["per_seed"], strict=True):
        yield seed, f"{name}_difference", value
    low, high = difference["ci95"]
    p_values = {key: difference[key] for key in ("p", "p_adjusted")}
    whole = {"ci95_low": low, "ci95_high": high} | p_values
    for key, value in whole.items():
        yield "", f"{name}_difference_{key}", value


def _row(*values: object) -> dict[str, Any]:
    return dict(zip(COLUMNS, values, strict=True))
