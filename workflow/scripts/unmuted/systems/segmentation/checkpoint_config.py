"""The configuration of a folder of trained networks, and whether a run can use them.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unmuted.dataset.finding import located
from unmuted.errors import UserError
from unmuted.systems.segmentation.arms import ARMS
from unmuted.text import printable
from unmuted.training.model_folder import read_folder_config

if TYPE_CHECKING:
    from unmuted.engine.run import Run

FORMAT = 2  # of folders that say what the networks were trained and chosen on
CONFIG, WEIGHTS = "config.json", "model.safetensors"
ROLES = ("avs_backbone", "ast")  # of the models whose features the networks read
GRID = ("short_side", "resize", "frame_at", "window_s")  # of `avs`, which networks are trained on
_KEYS = ("format", "arm", "models", "grid", "choices")
_SETTING = "avs.checkpoint"


def check_ready_networks(run: Run) -> None:
    """Raise UserError, before the first job, for networks that this run cannot use."""
    avs = run.config["avs"]
    if avs["checkpoint"] is None:
        return
    folder = checkpoint_path(avs)
    config = read_config(folder)
    check_features(folder, config, {role: run.models.identity(role) for role in ROLES}, avs)
    if not (folder / WEIGHTS).is_file():
        raise UserError(f"{_SETTING}: {named(folder)} lack their weights: there is no {WEIGHTS}")


def checkpoint_path(avs: Mapping[str, Any]) -> Path:
    """Return the folder of the ready networks that a configuration names."""
    return Path(located(avs["checkpoint"]))


def named(folder: Path) -> str:
    """Return how messages name networks."""
    return f"the networks in {printable(folder)}"


def read_config(folder: Path) -> dict[str, Any]:
    """Read the configuration in a folder. Raises UserError for a folder without networks."""
    return read_folder_config(folder / CONFIG, _KEYS, FORMAT, _check, _SETTING, "networks")


def _check(config: dict[str, Any]) -> None:
    """Raise ValueError for values that are wrong."""
    if config["arm"] not in ARMS or ARMS[config["arm"]].audio in ("generated", "class"):
        raise ValueError(f"the arm {config['arm']!r} cannot mark videos of another run")
    if not isinstance(config["grid"], dict) or not isinstance(config["models"], dict):
        raise ValueError("expected objects as grid and models")
    if not isinstance(config["choices"], list) or not config["choices"]:
        raise ValueError("expected a list of choices, one for each network")


def check_features(
    folder: Path, config: Mapping[str, Any], models: Mapping[str, str], avs: Mapping[str, Any]
) -> None:
    """Raise UserError for networks that were trained with other models or another grid.

    models: identities by role. avs: settings, of which those of the grid are compared.
    """
    grid = {key: avs[key] for key in GRID}
    for section, trained, given in (
        ("models", config["models"], models),
        ("avs", config["grid"], grid),
    ):
        for key in sorted({*trained, *given}):
            if trained.get(key) != given.get(key):
                raise UserError(
                    f"{named(folder)} were trained with {section}.{key} {trained.get(key)!r}, but "
                    f"it is {given.get(key)!r} here: their masks would mean nothing. Use the same, "
                    "or train networks on these videos (avs.checkpoint: null)"
                )
