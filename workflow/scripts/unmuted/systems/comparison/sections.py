"""Sections of the comparison's report, and the report as a table: all arms on the same clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmuted.errors import UserError
from unmuted.evaluation.arms import REFERENCE, SYSTEMS, contrast_names, contrast_pairs
from unmuted.evaluation.controls import CEILING, MARGIN
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
from unmuted.systems.comparison.missing_rows import missing_rows

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
    known = {name: name.partition("-")[::2] for name in contrast_names(arms)}
    if primary not in known:
        raise UserError(f"comparison.primary is {primary!r}, expected one of: {', '.join(known)}")
    by_name = arm_contrasts(
        compared.arms,
        compared.clips,
        list(names.values()),
        known[primary],
        compared.roles,
        compared.margin,
    )
    for name, contrast in by_name.items():
        pair = names.get(name, ())
        contrast["leaks"] = "leaks" in {compared.roles[arm] for arm in pair}
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


COLUMNS = (
    *("training_rate", "kind", "test_rate", "level"),
    *("arm", "role", "seed", "measure", "value", "verdict"),
)
MEASURES = ("accuracy", "macro_f1", "brier", "log_loss", "ece")


def tidy_rows(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield one row per measurement.

    There is a row for every seed of every arm, of every contrast, of what missing audio costs an
    arm, of every point of the severity curves, and of the differences under missing audio.
    Intervals and p-values are rows without a seed. The verdict of a difference is in words; that of
    a control is its status.
    """
    seeds, missing = report["provenance"]["seeds"], report["missing"]
    own_rate = f"{missing['training_rate']:g}"
    for arm, measured in report["arms"].items():
        place = (own_rate, "", "", "", arm, measured["role"])
        yield from (_row(*place, *row) for row in _arm_rows(seeds, measured))
    for pair, difference in report["contrasts"].items():
        yield from _contrast_rows(own_rate, seeds, pair, difference)
    yield from missing_rows(seeds, missing, COLUMNS)
    pooled = report["outer_folds"] or {"arms": {}}
    for arm, measured in pooled["arms"].items():
        place = (own_rate, "outer_folds", "", "", arm, measured["role"])
        yield from (_row(*place, *row) for row in _arm_rows(seeds, measured))


def _arm_rows(
    seeds: Sequence[int], measured: Mapping[str, Any]
) -> Iterator[tuple[object, str, float]]:
    """Yield (seed, measure, value) of one arm."""
    for measure in MEASURES:
        for seed, value in zip(seeds, measured[measure]["per_seed"], strict=True):
            yield seed, measure, value
    for group, found in measured["by_sound"].items():
        if found["accuracy"] is not None:
            yield "", f"accuracy_{group}", found["accuracy"]["mean"]
    for name in ("expected_under_calibration", "debiased"):
        yield "", f"ece_{name}", measured["ece"][name]


def _contrast_rows(
    rate: str, seeds: Sequence[int], pair: str, difference: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one contrast; its role is its family, or that it leaks."""
    role = "leaks" if difference["leaks"] else difference["family"]
    words = difference["control"]["status"] if "control" in difference else difference["verdict"]
    for row in _difference_rows(seeds, difference):
        yield _row(rate, "", "", "", pair, role, *row, verdict=words)
    for loss in ("brier", "log_loss"):
        low, high = difference[loss]["ci95"]
        values = {"": difference[loss]["delta"], "_ci95_low": low, "_ci95_high": high}
        for suffix, value in values.items():
            yield _row(rate, "", "", "", pair, role, "", f"{loss}_difference{suffix}", value)


def _difference_rows(
    seeds: Sequence[int], difference: Mapping[str, Any]
) -> Iterator[tuple[object, str, float]]:
    """Yield (seed, measure, value) of one difference."""
    for seed, value in zip(seeds, difference["per_seed"], strict=True):
        yield seed, "accuracy_difference", value
    low, high = difference["ci95"]
    p_values = {key: difference[key] for key in ("p", "p_adjusted")}
    whole = {"ci95_low": low, "ci95_high": high} | p_values
    for key, value in whole.items():
        yield "", f"accuracy_difference_{key}", value


def _row(*values: object, verdict: str = "") -> dict[str, Any]:
    return dict(zip(COLUMNS, (*values, verdict), strict=True))
