"""Fitting the pilot on training clips; predicting and generating with a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from unmuted.config.pilot import PilotSettings
from unmuted.errors import UserError
from unmuted.evaluation.metrics import r2
from unmuted.samples.folds import check_out_of_fold, read_in_fit
from unmuted.systems.pilot.data import NO_LABEL, PilotData, PilotTargets
from unmuted.systems.pilot.model import Pilot, PilotConfig, losses
from unmuted.systems.shared.training import Generated
from unmuted.training.checkpoints import Fit, even_epochs
from unmuted.training.loop import SCORE, adamw_schedule, optimise, seeded
from unmuted.training.order import content_order, hash_keys
from unmuted.training.states import State, load_weights, pack, settings_of

LABELLED_ON = "labelled_on"  # in a state: hashes of the clips whose labels were read


@dataclass(frozen=True)
class Objective:
    """What a fit learns. classes: C, 0 for audio alone. weight: of the error of the audio."""

    classes: int
    generates: bool = True
    weight: float = 1.0


def train_pilot(
    data: PilotData,
    targets: PilotTargets,
    clips: np.ndarray,
    objective: Objective,
    settings: PilotSettings,
    seed: int,
    device: str = "cpu",
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
    validation: np.ndarray | None = None,
) -> Fit:
    """Fit the pilot on those training clips at the indices `clips` that have a target.

    Their order does not matter; labels, or audio, that the objective does not need are not read.
    Each visual feature is standardised; audio is centred and divided by one number, so that errors
    keep the geometry of the projection. Checkpoints hold hashes of the clips and groups that were
    read. Raises UserError if a branch has no clip to learn from.

    validation: indices of validation clips with usable sound; of the checkpoints only the one of
    highest R2 on them is kept.
    """
    labels = targets.labels if objective.classes else np.full_like(targets.labels, NO_LABEL)
    has_audio = targets.has_audio & objective.generates
    order = _order(data, targets, clips[(labels[clips] != NO_LABEL) | has_audio[clips]], objective)
    _check(labels[order], has_audio[order], objective)
    config = PilotConfig(
        visual_dim=data.visual.shape[2],
        classes=objective.classes,
        audio_dim=targets.audio.shape[2] if objective.generates else 0,
        audio_steps=targets.audio.shape[1],
        hidden=settings.hidden,
        dropout=settings.dropout,
    )
    read = _hashes(data, order, labels)
    kept, snapshots = even_epochs(settings.epochs, settings.snapshots), list[State]()
    with seeded(seed, device):
        model = Pilot(config)
        model.standardize_visual.fit(data.visual, order)
        if objective.generates:
            audio_dim = config.audio_dim
            model.standardize_audio.fit(
                targets.audio, order[has_audio[order]], shared_scale=audio_dim
            )
        model.to(device)

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            rows = order[batch.numpy()]
            arrays = data.visual[rows], labels[rows], targets.audio[rows], has_audio[rows]
            visual, y, audio, known = (torch.from_numpy(array).to(device) for array in arrays)
            if objective.generates:
                audio = model.standardize_audio(audio)  # (B, T, A)
            return losses(model(visual), y, audio, known, objective.weight)

        def keep(epoch: int, row: dict[str, float]) -> None:
            if epoch in kept:
                snapshots.append(pack(model, asdict(config), **read))
            if after_epoch is not None:
                after_epoch(epoch, row)

        history = optimise(model, losses_of, len(order), adamw_schedule(settings), keep)
    fit = Fit(snapshots, kept, history)
    return fit if validation is None else _best(fit, data, targets, validation, device)


def _best(
    fit: Fit, data: PilotData, targets: PilotTargets, validation: np.ndarray, device: str
) -> Fit:
    """Keep the checkpoint whose audio has the highest R2 on validation clips, the first of equals.

    The history gets the R2 of every checkpoint. Raises UserError for a validation clip that the fit
    has read.
    """
    validation = validation[content_order([data.keys[i] for i in validation])]
    heard, truth = data.take(validation), targets.audio[validation]
    scores = [r2(generate(state, heard, device=device).audio, truth) for state in fit.snapshots]
    best = int(np.nanargmax(scores)) if np.isfinite(scores).any() else -1
    by_epoch = dict(zip(fit.epochs, scores, strict=True))
    history = [
        {**row, SCORE: by_epoch.get(epoch, math.nan)} for epoch, row in enumerate(fit.history, 1)
    ]
    return Fit([fit.snapshots[best]], [fit.epochs[best]], history)


def _order(
    data: PilotData, targets: PilotTargets, clips: np.ndarray, objective: Objective
) -> np.ndarray:
    """Sort the clips by the content that the fit reads."""
    arrays = [data.visual]
    arrays += [targets.labels] if objective.classes else []
    arrays += [targets.audio] if objective.generates else []
    order = content_order(data.keys, *arrays)
    return order[np.isin(order, clips)]


def _check(labels: np.ndarray, has_audio: np.ndarray, objective: Objective) -> None:
    """Raise UserError unless each branch has a clip with its target."""
    if objective.generates and not has_audio.any():
        raise UserError("no training clip has usable sound: nothing to fit the pilot's audio on")
    if objective.classes and not (labels != NO_LABEL).any():
        raise UserError("no training clip has a label: nothing to fit the pilot's classes on")
    if labels.max() >= max(objective.classes, 1):
        raise UserError(f"labels up to {labels.max()}, expected 0..{objective.classes - 1}")


def _hashes(data: PilotData, order: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return hashes of the clips, groups and labels that were read."""
    keys, groups = ([names[i] for i in order] for names in (data.keys, data.groups))
    labelled = hash_keys(keys)[labels[order] != NO_LABEL]
    return {**read_in_fit(keys, groups), LABELLED_ON: np.sort(labelled)}


def load_pilot(state: State, device: str = "cpu") -> Pilot:
    """Build the network of a checkpoint."""
    model = Pilot(PilotConfig(**settings_of(state)))
    load_weights(model, state, device)
    return model


@torch.inference_mode()
def predict_with(model: Pilot, data: PilotData, device: str = "cpu") -> np.ndarray:
    """Predict class probabilities float32 (N, C), one clip at a time.

    So the probabilities of a clip do not depend on other clips, to the last bit. Raises ValueError
    for a network without the classification.
    """
    if model.classification is None:
        raise ValueError("this pilot has no classification: it was trained to generate audio alone")
    probabilities = np.zeros((len(data), model.config.classes), dtype=np.float32)
    for i in range(len(data)):
        clip = torch.tensor(data.visual[i : i + 1]).to(device)  # (1, T - 1, 2 F)
        logits = model(clip).logits[0]  # (C,)
        probabilities[i] = logits.double().softmax(dim=0).cpu().numpy()
    return probabilities


@torch.inference_mode()
def generate(
    state: State, data: PilotData, draws: int = 1, seed: int = 0, device: str = "cpu"
) -> Generated:
    """Generate audio features (N, T, A) of clips that the pilot was not fitted on, one at a time.

    The pilot has no noise: draws and seed have no effect, and the spread is 0. Raises UserError
    for clips that it was fitted on.
    """
    check_out_of_fold(state, data.keys, data.groups)
    model = load_pilot(state, device)
    if model.generation is None:
        raise ValueError("this pilot has no generation: it was trained to classify alone")
    sizes = (len(data), model.config.audio_steps, model.config.audio_dim)
    audio = np.zeros(sizes, dtype=np.float32)
    for i in range(len(data)):
        clip = torch.tensor(data.visual[i : i + 1]).to(device)  # (1, T - 1, 2 F)
        audio[i] = model.standardize_audio.undo(model(clip).audio)[0].cpu().numpy()
    return Generated(audio, np.zeros(len(data), dtype=np.float32))
