"""Trained networks as a folder, for the videos of other runs: `avs.checkpoint`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save

from unmuted.dataset.finding import located
from unmuted.digests import digest_json
from unmuted.engine.artifacts import read_tensors
from unmuted.engine.job import Job
from unmuted.errors import UserError
from unmuted.systems.segmentation.arms import ARMS
from unmuted.systems.segmentation.masks_job import Trained
from unmuted.text import one_line, printable
from unmuted.training.model_folder import arrays_under, read_folder_config

if TYPE_CHECKING:
    from unmuted.systems.segmentation.context import Context
    from unmuted.systems.segmentation.sound_space import SoundSpace
from unmuted.training.states import State

FORMAT = 1
CONFIG, WEIGHTS = "config.json", "model.safetensors"
GRID = ("short_side", "resize", "frame_at", "window_s")  # of `avs`, which networks are trained on
_KEYS = ("format", "arm", "models", "grid", "thresholds")


@dataclass(frozen=True)
class ReadyModel:
    """Networks of one arm, of all seeds, with all that is needed to mark videos.

    models: identities of the encoder and of AST, by role. grid: settings of `avs` that they were
    trained with. thresholds: of each network, as probabilities.
    """

    arm: str
    models: Mapping[str, str]
    grid: Mapping[str, Any]
    states: tuple[State, ...]
    thresholds: tuple[float, ...]
    space: SoundSpace

    def digest(self) -> str:
        """Return what identifies it."""
        return digest_json(
            [
                self.arm,
                dict(self.models),
                dict(self.grid),
                list(self.thresholds),
                [_array_digests(state) for state in (*self.states, self.space.pack())],
            ]
        )

    def trained(self, context: Context) -> Trained:
        """Load its networks."""
        from unmuted.systems.segmentation.networks import load_network

        networks = {i: load_network(state, context.encoder) for i, state in enumerate(self.states)}
        return Trained(self.arm, networks, float(np.mean(self.thresholds)))


def export_model(folder: Path, model: ReadyModel) -> None:
    """Write a folder: config.json and model.safetensors, the same bytes for the same networks."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "arm": model.arm,
        "models": dict(model.models),
        "grid": dict(model.grid),
        "thresholds": list(model.thresholds),
    }
    arrays = {f"space.{name}": array for name, array in model.space.pack().items()}
    for i, state in enumerate(model.states):
        arrays |= {f"network.{i}.{name}": array for name, array in state.items()}
    text = json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    (folder / CONFIG).write_text(text, encoding="utf-8")
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    (folder / WEIGHTS).write_bytes(save(ordered))


def read_ready(job: Job) -> ReadyModel:
    """Read the folder `avs.checkpoint`. Raises UserError as `load_model` does."""
    avs = job.config["avs"]
    models = {role: job.model_identity(role) for role in ("avs_backbone", "ast")}
    return load_model(Path(located(avs["checkpoint"])), models, {key: avs[key] for key in GRID})


def load_model(folder: Path, models: Mapping[str, str], grid: Mapping[str, Any]) -> ReadyModel:
    """Read networks for features of these models on this grid.

    Raises UserError, saying what was expected and found, for a folder without networks, and for
    networks that were trained with other models or another grid.
    """
    from unmuted.systems.segmentation.sound_space import SoundSpace

    config, where = _read_config(folder), f"the networks in {printable(folder)}"
    for what, trained, given in (
        ("models", config["models"], models),
        ("avs", config["grid"], grid),
    ):
        for key in sorted({*trained, *given}):
            if trained.get(key) != given.get(key):
                raise UserError(
                    f"{where} were trained with {what}.{key} {trained.get(key)!r}, but it is "
                    f"{given.get(key)!r} here: their masks would mean nothing. Use the same, or "
                    "train networks on these videos (avs.checkpoint: null)"
                )
    try:
        arrays = read_tensors(folder / WEIGHTS)
        thresholds = tuple(float(value) for value in config["thresholds"])
        states = tuple(arrays_under(arrays, f"network.{i}.") for i in range(len(thresholds)))
        if not states or not all(states):
            raise ValueError("weights of its networks are missing")
        space = SoundSpace.unpack(arrays_under(arrays, "space."))
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{where} cannot be read: {one_line(str(error))}; expected {CONFIG} and {WEIGHTS} as "
            "results/avs_model has them"
        ) from error
    return ReadyModel(config["arm"], config["models"], config["grid"], states, thresholds, space)


def _read_config(folder: Path) -> dict[str, Any]:
    return read_folder_config(
        folder / CONFIG, _KEYS, FORMAT, _check_config, "avs.checkpoint", "networks"
    )


def _check_config(config: dict[str, Any]) -> None:
    """Raise ValueError for values that are wrong."""
    if config["arm"] not in ARMS or ARMS[config["arm"]].audio in ("generated", "class"):
        raise ValueError(f"the arm {config['arm']!r} cannot mark videos of another run")
    if not isinstance(config["grid"], dict) or not isinstance(config["models"], dict):
        raise ValueError("expected objects as grid and models")


def _array_digests(arrays: Mapping[str, np.ndarray]) -> list[Any]:
    import hashlib

    return [
        [name, hashlib.sha256(np.ascontiguousarray(arrays[name]).tobytes()).hexdigest()]
        for name in sorted(arrays)
    ]
