"""A trained spotter as a folder: config.json and model.safetensors, for matches of other runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from unmuted.digests import digest_bytes, digest_json
from unmuted.engine.artifacts import read_tensors
from unmuted.errors import UserError
from unmuted.systems.highlights.arms import ARMS, SpottingArm
from unmuted.systems.highlights.spotter_config import (
    CONFIG,
    FORMAT,
    WEIGHTS,
    check_features,
    named,
    read_config,
)
from unmuted.systems.highlights.spotting import Calibration, Ensemble, SpotRule
from unmuted.systems.shared.projection import Projection
from unmuted.text import one_line
from unmuted.training.model_folder import arrays_under
from unmuted.training.states import State

_READ = ("fitted_on", "fitted_groups")  # as `unmuted.samples.folds.has_seen` asks for them


@dataclass(frozen=True)
class TrainedSpotter:
    """A spotter that other matches can be given to.

    Attributes:
        kinds: of events that it finds.
        arm: what it reads. Missing sound is the training mean for it, whatever it was trained with.
        backbone: what identifies the network behind its visual features.
        grid: the settings of steps and of their sound.
        seeds: weights and calibration of each of its networks; their scores are averaged.
        reach: as for `Calibration.scores`.
        projection: of its sound.
        sound_scale: as the configuration has it.
        read: hashes of the recordings and matches that it was trained or chosen on, as
            `unmuted.samples.folds.read_in_fit` has them.
        rule: how spots are found in the mean of the networks' scores.
    """

    kinds: tuple[str, ...]
    arm: SpottingArm
    backbone: str
    grid: Mapping[str, Any]
    seeds: tuple[tuple[State, Calibration], ...]
    reach: int
    projection: Projection
    sound_scale: str
    read: State
    rule: SpotRule

    def ensemble(self) -> Ensemble:
        """Return what turns the logits of its networks into spots."""
        return Ensemble(tuple(one.temperature for _, one in self.seeds), self.rule, self.reach)

    def digest(self) -> str:
        """Return what identifies what it makes of a recording."""
        arrays = [{f"projection.{k}": v for k, v in vars(self.projection).items()}]
        arrays += [state for state, _ in self.seeds]
        tensors = [
            [name, digest_bytes(np.ascontiguousarray(array).tobytes())]
            for of_part in arrays
            for name, array in sorted(of_part.items())
        ]
        calibrations = [calibration.payload() for _, calibration in self.seeds]
        calibrations.append(self.rule.payload())
        return digest_json(
            [list(self.kinds), self.arm.name, self.reach, self.sound_scale, calibrations, tensors]
        )


def export_spotter(folder: Path, spotter: TrainedSpotter) -> None:
    """Write a spotter to a folder, which is made; equal spotters give equal bytes."""
    from safetensors.numpy import save

    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "kinds": list(spotter.kinds),
        "arm": spotter.arm.name,
        "backbone": spotter.backbone,
        "grid": dict(spotter.grid),
        "reach": spotter.reach,
        "sound_scale": spotter.sound_scale,
        "seeds": [calibration.payload() for _, calibration in spotter.seeds],
        "ensemble": spotter.rule.payload(),
    }
    arrays = {f"projection.{name}": array for name, array in vars(spotter.projection).items()}
    arrays |= {f"read.{name}": spotter.read[name] for name in _READ}
    for i, (state, _) in enumerate(spotter.seeds):
        arrays |= {f"seed.{i}.{name}": array for name, array in state.items()}
    text = json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    (folder / CONFIG).write_text(text, encoding="utf-8")
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    (folder / WEIGHTS).write_bytes(save(ordered))


def load_spotter(folder: Path, backbone: str, grid: Mapping[str, Any]) -> TrainedSpotter:
    """Read a spotter for features of a backbone on a grid of steps.

    Raises UserError, saying what was expected and found, for a folder that is no spotter, and for
    one that was trained on features of another backbone, or on another grid.
    """
    config = read_config(folder)
    check_features(folder, config, backbone, grid)
    try:
        arrays = read_tensors(folder / WEIGHTS)
        projection = Projection(**arrays_under(arrays, "projection."))
        seeds = tuple(
            (arrays_under(arrays, f"seed.{i}."), Calibration.of(values))
            for i, values in enumerate(config["seeds"])
        )
        if not seeds or not all(state for state, _ in seeds):
            raise ValueError("weights of its networks are missing")
        read = {name: arrays[f"read.{name}"] for name in _READ}
        return TrainedSpotter(
            tuple(config["kinds"]),
            ARMS[config["arm"]],
            config["backbone"],
            config["grid"],
            seeds,
            int(config["reach"]),
            projection,
            config["sound_scale"],
            read,
            SpotRule.of(config["ensemble"]),
        )
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{named(folder)} cannot be read: {one_line(str(error))}; expected {CONFIG} and "
            f"{WEIGHTS} as results/trained_spotter has them"
        ) from error
