"""The configuration of a trained spotter's folder, and whether a run can use the spotter.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.dataset.finding import located
from unmuted.errors import UserError
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.spotting_stages import GRID
from unmuted.text import printable
from unmuted.training.model_folder import read_folder_config

if TYPE_CHECKING:
    from unmuted.engine.run import Run

FORMAT = 3  # of folders that say what the spotter was trained on, and what reels show
CONFIG, WEIGHTS = "config.json", "model.safetensors"
_KEYS = ("format", "kinds", "arm", "backbone", "grid", "seeds", "reach", "sound_scale", "ensemble")
_SETTING = "highlights.spotter.path"


def check_ready_spotter(run: Run) -> None:
    """Raise UserError, before the first job, for a spotter that this run cannot use."""
    highlights = run.config["highlights"]
    if highlights["method"] != "spotter" or highlights["spotter"]["path"] is None:
        return
    folder = spotter_path(highlights)
    config = read_config(folder)
    check_features(
        folder, config, run.models.identity("step_backbone"), grid_of(run.config["steps"])
    )
    check_kinds(folder, config["kinds"], run.config["matches"]["kinds"])
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{_SETTING}: {named(folder)} has no {WEIGHTS}")


def spotter_path(highlights: Mapping[str, Any]) -> Path:
    """Return the folder of the ready spotter that a configuration names."""
    return Path(located(highlights["spotter"]["path"]))


def named(folder: Path) -> str:
    """Return how messages name a spotter."""
    return f"the spotter in {printable(folder)}"


def read_config(folder: Path) -> dict[str, Any]:
    """Read the configuration in a folder. Raises UserError for a folder that is no spotter."""
    return read_folder_config(folder / CONFIG, _KEYS, FORMAT, _check, _SETTING, "a spotter")


def _check(config: dict[str, Any]) -> None:
    """Raise ValueError for values that are wrong."""
    kinds = config["kinds"]
    if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
        raise ValueError(f"kinds that are no list of names: {kinds!r}")
    if not isinstance(config["arm"], str) or config["arm"] not in ARMS:
        raise ValueError(f"unknown arm {config['arm']!r}")
    if not isinstance(config["grid"], dict):
        raise ValueError(f"a grid that is no object: {config['grid']!r}")


def check_features(
    folder: Path, config: Mapping[str, Any], backbone: str, grid: Mapping[str, Any]
) -> None:
    """Raise UserError for a spotter that was trained on features of another backbone or grid."""
    if config["backbone"] != backbone:
        raise UserError(
            f"{named(folder)} was trained on step features of the backbone {config['backbone']}, "
            f"but models.step_backbone is {backbone}: its scores would mean nothing. Use the same "
            "backbone, or train a spotter on these matches"
        )
    if differing := _differences(config["grid"], grid):
        raise UserError(
            f"{named(folder)} was trained on another grid of steps: {'; '.join(differing)}. Set "
            "`steps` as the spotter has it, or train a spotter on these matches"
        )


def check_kinds(folder: Path, trained: Sequence[str], given: Sequence[str]) -> None:
    """Raise UserError for a spotter of other kinds, or of the same in another order."""
    if list(trained) != list(given):
        raise UserError(
            f"{named(folder)} finds {', '.join(trained)}, but matches.kinds is "
            f"{', '.join(given)}: set matches.kinds as the spotter has it"
        )


def grid_of(steps: Mapping[str, Any], keys: Sequence[str] = GRID) -> dict[str, Any]:
    """Return the settings of the grid that features depend on, by dotted key within `steps`."""
    grid: dict[str, Any] = {}
    for key in keys:
        value: Any = steps
        for part in key.removeprefix("steps.").split("."):
            value = value[part]
        grid[key.removeprefix("steps.")] = value
    return grid


def _differences(trained: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    return [
        f"steps.{key} is {given.get(key)!r}, expected {trained.get(key)!r}"
        for key in sorted({*trained, *given})
        if trained.get(key) != given.get(key)
    ]
