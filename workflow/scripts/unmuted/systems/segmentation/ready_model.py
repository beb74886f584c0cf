"""Trained networks as a folder, for the videos of other runs: `avs.checkpoint`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save

from unmuted.digests import digest_bytes, digest_json
from unmuted.engine.artifacts import read_tensors
from unmuted.engine.job import Job, ReportJob
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.segmentation.checkpoint_config import (
    CONFIG,
    FORMAT,
    GRID,
    ROLES,
    WEIGHTS,
    check_features,
    checkpoint_path,
    named,
    read_config,
)
from unmuted.systems.segmentation.masks_job import Trained
from unmuted.systems.segmentation.pixel_counts import THRESHOLDS
from unmuted.text import one_line
from unmuted.training.model_folder import arrays_under

if TYPE_CHECKING:
    from unmuted.systems.segmentation.context import Context
    from unmuted.systems.segmentation.networks import TrainedPart
    from unmuted.systems.segmentation.sound_space import SoundSpace
    from unmuted.training.states import State

_READ = ("fitted_on", "fitted_groups")  # as `unmuted.samples.folds.has_seen` asks for them


@dataclass(frozen=True)
class ReadyModel:
    """Networks of one arm, of all seeds, with all that is needed to mark videos.

    models: identities of the encoder and of AST, by role. grid: settings of `avs` that they were
    trained with. choices: of each network, as `avs_selection` has them: seed, epoch, threshold and
    what was measured on validation. read: hashes of the clips and sources that they were trained
    or chosen on, as `unmuted.samples.folds.read_in_fit` has them.
    """

    arm: str
    models: Mapping[str, str]
    grid: Mapping[str, Any]
    states: tuple[State, ...]
    choices: tuple[Mapping[str, Any], ...]
    space: SoundSpace
    read: State

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of each network, as a probability."""
        return tuple(float(THRESHOLDS[choice["threshold"]]) for choice in self.choices)

    @property
    def seeds(self) -> list[int]:
        """The seeds of its networks."""
        return [choice["seed"] for choice in self.choices]

    def digest(self) -> str:
        """Return what identifies it."""
        return digest_json(
            [
                self.arm,
                dict(self.models),
                dict(self.grid),
                [dict(choice) for choice in self.choices],
                [_array_digests(one) for one in (*self.states, self.space.pack(), self.read)],
            ]
        )

    def networks(self, context: Context) -> dict[int, TrainedPart]:
        """Load its networks, by seed."""
        from unmuted.systems.segmentation.networks import load_network

        return {
            seed: load_network(state, context.encoder)
            for seed, state in zip(self.seeds, self.states, strict=True)
        }

    def trained(self, context: Context) -> Trained:
        """Return what marks videos."""
        return Trained(self.arm, self.networks(context), float(np.mean(self.thresholds)))


def export_model(folder: Path, model: ReadyModel) -> None:
    """Write a folder: config.json and model.safetensors, the same bytes for the same networks."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "arm": model.arm,
        "models": dict(model.models),
        "grid": dict(model.grid),
        "choices": [dict(choice) for choice in model.choices],
    }
    arrays = {f"space.{name}": array for name, array in model.space.pack().items()}
    arrays |= {f"read.{name}": model.read[name] for name in _READ}
    for i, state in enumerate(model.states):
        arrays |= {f"network.{i}.{name}": array for name, array in state.items()}
    text = json.dumps(config, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    (folder / CONFIG).write_text(text, encoding="utf-8")
    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    (folder / WEIGHTS).write_bytes(save(ordered))


def read_ready(job: Job | ReportJob) -> ReadyModel:
    """Read the folder `avs.checkpoint`. Raises UserError as `load_model` does."""
    avs = job.config["avs"]
    models = {role: job.model_identity(role) for role in ROLES}
    return load_model(checkpoint_path(avs), models, {key: avs[key] for key in GRID})


def load_model(folder: Path, models: Mapping[str, str], grid: Mapping[str, Any]) -> ReadyModel:
    """Read networks for features of these models on this grid.

    Raises UserError, saying what was expected and found, for a folder without networks, and for
    networks that were trained with other models or another grid.
    """
    from unmuted.systems.segmentation.sound_space import SoundSpace

    config = read_config(folder)
    check_features(folder, config, models, grid)
    try:
        arrays = read_tensors(folder / WEIGHTS)
        choices = tuple(config["choices"])
        states = tuple(arrays_under(arrays, f"network.{i}.") for i in range(len(choices)))
        if not all(states):
            raise ValueError("weights of its networks are missing")
        model = ReadyModel(
            config["arm"],
            config["models"],
            config["grid"],
            states,
            choices,
            SoundSpace.unpack(arrays_under(arrays, "space.")),
            {name: arrays[f"read.{name}"] for name in _READ},
        )
        if len(set(model.seeds)) < len(model.thresholds):
            raise ValueError("two networks have the same seed")
    except (OSError, IndexError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{named(folder)} cannot be read: {one_line(str(error))}; expected {CONFIG} and "
            f"{WEIGHTS} as results/avs_model has them"
        ) from error
    return model


def check_unread(model: ReadyModel, folder: Path, clips: Sequence[Clip]) -> None:
    """Raise UserError if networks were trained or chosen on one of the test clips of a run.

    clips: all of the run, in canonical groups. A source is known by the pictures of any of its
    clips, wherever the file lies, and by its name.
    """
    keys, groups = [clip.key for clip in clips], [clip.group for clip in clips]
    seen = has_seen(model.read, keys, groups)
    sources = {clip.group for clip, is_seen in zip(clips, seen, strict=True) if is_seen}
    tested = sorted(c.video_id for c in clips if c.split == "test" and c.group in sources)
    if tested:
        videos = ", ".join(tested[:3]) + (f" and {len(tested) - 3} more" if tested[3:] else "")
        raise UserError(
            f"{named(folder)} were trained or chosen on {videos}, or on other videos of their "
            "sources: masks of these say nothing of others. They are known by the pictures of a "
            "video, or by the name of its source (`group`): take these videos out of the split "
            "test, or rename sources that only share a name. Masks and overlays can be made of "
            "all videos"
        )


def _array_digests(arrays: Mapping[str, np.ndarray]) -> list[Any]:
    return [
        [name, digest_bytes(np.ascontiguousarray(arrays[name]).tobytes())]
        for name in sorted(arrays)
    ]
