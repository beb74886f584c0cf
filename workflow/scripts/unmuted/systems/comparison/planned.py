"""The arms that reports and grids need, checked before any job.

Imported by the configuration and the planner, so free of numpy and torch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from unmuted.engine.scenarios import changed_setting
from unmuted.errors import UserError
from unmuted.evaluation.arms import COMPARISON_ARMS, ORACLE, contrast_names, leaking_arms
from unmuted.systems.comparison.chosen_arms import SORTED_TAIL, chosen_arms

ARCH1 = (
    "generated_arch1",
    "filtered",
    ORACLE,
    "random_filter",
    "mask_only",
)  # what results/arch1_metrics.json is about
UNFILTERED = "generated_arch1"
OF_MAIN_EXPERIMENT = "generated"  # in grids of ablations; it is always predicted
FILES = {"arch1_metrics": "results/arch1_metrics.json", "predictions": "results/predictions.csv"}


def comparison_problems(config: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the arms and the primary contrast of a complete configuration."""
    comparison = config["comparison"]
    known = " or ".join(map(repr, COMPARISON_ARMS))
    problems = [
        f"comparison.arms.{place}: found {arm!r}, expected {known}"
        for place, arm in enumerate(comparison.get("arms", ()))
        if arm not in COMPARISON_ARMS
    ]
    if problems:
        return problems
    if "cnn_rnn" in comparison.get("arms", ()) and config["cnn_rnn"]["split"] == SORTED_TAIL:
        problems.append(
            f"comparison.arms: cnn_rnn cannot be compared under cnn_rnn.split {SORTED_TAIL}: it is "
            "trained on validation clips there and chosen on training clips"
        )
    problems += [
        f"ablations.{grid}: comparison.arms says which arms there are and changes none of them; "
        "leave it out of the grid"
        for grid, keys in config["ablations"].items()
        if "comparison.arms" in keys
    ]
    names = contrast_names(chosen_arms(config).arms)
    if comparison["primary"] not in names:
        problems.append(
            f"comparison.primary: {comparison['primary']!r} is no contrast of the arms that are "
            f"compared (comparison.arms); expected one of: {', '.join(names)}"
        )
    return problems


def training_rates(config: Mapping[str, Any]) -> dict[float, str]:
    """Return the name of the run or scenario that is trained at each rate of missing audio.

    The empty name is that of the run itself.
    """
    missing = config["missing"]
    own = missing["training_rate"]
    rates = sorted({own, *missing["training_rates"]})
    return {
        rate: "" if rate == own else changed_setting("missing.training_rate", rate)
        for rate in rates
    }


def outer_fold_runs(config: Mapping[str, Any]) -> list[str]:
    """Return the name of the scenario in which each outer fold is tested, in their order."""
    folds = range(config["evaluation"]["outer_folds"] or 0)
    return [changed_setting("evaluation.outer_fold", fold) for fold in folds]


def compared_runs(config: Mapping[str, Any]) -> Collection[str]:
    """Return the runs that the comparison reads: of all rates of training, and of outer folds.

    The former are left out if no chosen arm imputes missing audio.
    """
    rates = training_rates(config).values() if chosen_arms(config).at_all_rates else ()
    return [*rates, *outer_fold_runs(config)]


def read_in_run(config: Mapping[str, Any], name: str) -> Collection[str]:
    """Return the stages that the comparison reads in one of `compared_runs`."""
    chosen = chosen_arms(config)
    return chosen.in_outer_fold if name in outer_fold_runs(config) else chosen.at_all_rates


def check_report_arms(report: str, config: Mapping[str, Any]) -> None:
    """Raise UserError if a report needs arms that `comparison.arms` leaves out."""
    arms = chosen_arms(config).arms
    if report == "arch1_metrics" and (missing := [arm for arm in ARCH1 if arm not in arms]):
        raise UserError(
            f"{FILES[report]} compares {', '.join(ARCH1)}: add {', '.join(missing)} to "
            "comparison.arms"
        )
    if report == "predictions" and arm_without_sound(config) is None:
        honest = "filtered or " if "filtered" not in leaking_arms(config["filter"]) else ""
        raise UserError(
            f"{FILES[report]} needs an arm for videos without sound: add {honest}{UNFILTERED} "
            "to comparison.arms"
        )


def arm_without_sound(config: Mapping[str, Any]) -> str | None:
    """Return the arm that predicts the videos without sound in results/predictions.csv.

    It is the one with architecture 1's generated audio after the Feature Filter, or before it if
    the filter is not chosen or reads the true label. None if neither arm is chosen.
    """
    leaks = leaking_arms(config["filter"])
    candidates = [arm for arm in ("filtered", UNFILTERED) if arm not in leaks]
    return next((arm for arm in candidates if arm in chosen_arms(config).arms), None)


def ablated_arms(
    grid: str, key: str, reached: Sequence[str], config: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the chosen arms among those that a setting affects. Raises UserError for none."""
    available = {OF_MAIN_EXPERIMENT, *chosen_arms(config).arms}
    ablated = tuple(arm for arm in reached if arm in available)
    if not ablated:
        raise UserError(
            f"ablations.{grid}: {key} reaches only {', '.join(reached)}: add one to "
            "comparison.arms, or leave the setting out of the grid"
        )
    return ablated
