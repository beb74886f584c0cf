"""Grids of ablations: each setting of a grid changed alone, and the arms that it affects.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unmuted.engine.run import Run
from unmuted.engine.scenarios import changed_setting
from unmuted.engine.settings import setting
from unmuted.errors import UserError
from unmuted.evaluation.arms import arms_of_setting
from unmuted.features.visual import VISUAL
from unmuted.systems.comparison.planned import ablated_arms


@dataclass(frozen=True)
class Ablation:
    """One setting of a grid at one of its values.

    run: the scenario, or the run itself if it has this value. arms: those that the setting affects.
    """

    key: str
    value: object
    run: Run
    arms: tuple[str, ...]


def ablations(run: Run, grid: str) -> list[Ablation]:
    """List the settings of a grid, each changed alone. Raises UserError for an unknown name."""
    grids = run.config["ablations"]
    if grid not in grids:
        known = ", ".join(grids) or "none"
        raise UserError(f"no grid {grid!r} under `ablations` in the configuration; known: {known}")
    return [
        _ablation(run, grid, key, value) for key, values in grids[grid].items() for value in values
    ]


def _ablation(run: Run, grid: str, key: str, value: object) -> Ablation:
    if key.startswith("missing."):
        raise UserError(
            f"ablations.{grid}: results/comparison.json compares {key}; say which values "
            "under missing.training_rates, missing.test_rates and missing.kinds"
        )
    other = run.scenario(changed_setting(key, value))
    arms = ablated_arms(grid, key, arms_of_setting(key), run.config)
    same = setting(other.config, key) == setting(run.config, key)
    if not same and not other.layout.owns("comparison_predictions"):
        raise UserError(
            f"ablations.{grid}: no classifier that is given audio reads {key}, and "
            "only these stand in grids; choose another key"
        )
    return Ablation(key, value, run if same else other, arms)


def ablation_inputs(run: Run, grid: str) -> list[Path]:
    """Return the paths that a grid's table reads: for `input:` of its rule."""
    return run.inputs_of(_reads(run, grid, ["projection"]))


def ablation_fingerprint(run: Run, grid: str) -> str:
    """Return the fingerprint of a grid's table: for `params:` of its rule."""
    return run.script_fingerprint("write_ablations", _reads(run, grid))


def _reads(run: Run, grid: str, fits: list[str] | None = None) -> list[tuple[Run, str]]:
    """List the stages that a grid's table reads, each with its run."""
    reads = []
    for ablation in ablations(run, grid):
        stages = ["predictions", "generated", *VISUAL, "ast", *(fits or [])]
        if ablation.arms != ("generated",):
            stages += ["comparison_predictions", "video_generated", "pilot_generated"]
        reads += [(of_run, stage) for of_run in (run, ablation.run) for stage in stages]
    return reads
