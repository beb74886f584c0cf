"""Training a spotter with one seed on the recordings of training matches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from unmuted.config.highlights import SamplingSettings, SpotterSettings
from unmuted.errors import UserError
from unmuted.systems.highlights.arms import SpottingArm
from unmuted.systems.highlights.inference import visual_rows
from unmuted.systems.highlights.network import Spotter, SpotterConfig, spotting_loss
from unmuted.systems.highlights.recordings import Moment, Recording, Rows
from unmuted.systems.highlights.sampling import Sampler, Targets, Window, recording_targets
from unmuted.training.checkpoints import Fit, even_epochs
from unmuted.training.loop import adamw_schedule, optimise, seeded
from unmuted.training.moments import CONSTANT
from unmuted.training.standardize import Standardize
from unmuted.training.states import State, load_weights, pack, settings_of

ROWS_AT_ONCE = 4096  # bounds memory


@dataclass(frozen=True)
class SpotterData:
    """What a spotter is trained on.

    recordings: of training matches, in an order that does not come from names. kinds: K. rate:
    steps a second. kept_events: of each recording, the events that windows are drawn around; all
    unless given. imputed_share: of the sequences, whose sound an arm with an imputation imputes.
    """

    recordings: Sequence[Recording]
    kinds: int
    rate: float
    sampling: SamplingSettings
    imputed_share: float = 0.5
    kept_events: Sequence[Sequence[Moment]] | None = None


def training_events(data: SpotterData) -> np.ndarray:
    """Count the events of each kind that windows are drawn around, int (K,)."""
    kept = data.kept_events
    events = [recording.events for recording in data.recordings] if kept is None else kept
    kinds = [event.kind for of_recording in events for event in of_recording]
    return np.bincount(np.array(kinds, np.int64), minlength=data.kinds)


def train_spotter(
    data: SpotterData,
    arm: SpottingArm,
    settings: SpotterSettings,
    seed: int,
    device: str = "cpu",
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> Fit:
    """Fit a spotter and keep evenly spaced checkpoints. Raises UserError without any event.

    The sequences of an epoch come from the seed alone, so all arms of a seed see the same ones. A
    kind without an event has no part in the loss.
    """
    if not any(recording.events for recording in data.recordings):
        raise UserError(
            "no training match has a highlight event: a spotter needs labelled events of "
            "matches.kinds in the training split"
        )
    sampler = Sampler(data.recordings, data.rate, data.sampling, data.kept_events)
    batches = _Batches(data, arm, sampler, np.random.default_rng(seed))
    kept = even_epochs(settings.epochs, settings.snapshots)
    snapshots: list[State] = []
    with seeded(seed, device):
        model = Spotter(_network(data, arm, settings))
        _standardize(model, data.recordings)
        model.to(device)

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            inputs, target, weight = batches.read(batch.numpy(), device)
            return {"loss": spotting_loss(model(*inputs), target, weight)}

        def keep(epoch: int, row: dict[str, float]) -> None:
            batches.draw()
            if epoch in kept:
                snapshots.append(pack(model, asdict(model.config)))
            if after_epoch is not None:
                after_epoch(epoch, row)

        history = optimise(model, losses_of, sampler.windows, adamw_schedule(settings), keep)
    return Fit(snapshots, kept, history)


def load_spotter_state(state: State, device: str = "cpu") -> Spotter:
    """Build the network of a checkpoint."""
    model = Spotter(SpotterConfig(**settings_of(state)))
    load_weights(model, state, device)
    return model


def _network(data: SpotterData, arm: SpottingArm, settings: SpotterSettings) -> SpotterConfig:
    first = data.recordings[0]
    return SpotterConfig(
        visual_dim=first.visual.shape[1] if arm.reads_visual else 0,
        sound_dim=first.sound.shape[1] if arm.reads_sound else 0,
        kinds=data.kinds,
        width=settings.width,
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


class _Batches:
    """The sequences of the current epoch as arrays."""

    def __init__(
        self, data: SpotterData, arm: SpottingArm, sampler: Sampler, rng: np.random.Generator
    ) -> None:
        self._data, self._arm, self._sampler, self._rng = data, arm, sampler, rng
        trained = (training_events(data) > 0).astype(np.float32)  # (K,)
        self._targets = [
            _with_weights(recording_targets(r, data.kinds, data.rate, data.sampling), trained)
            for r in data.recordings
        ]
        self.draw()

    def draw(self) -> None:
        """Draw the sequences of the next epoch, and which of them read imputed sound."""
        self._windows = self._sampler.draw(self._rng)
        self._imputes = self._rng.random(len(self._windows)) < self._data.imputed_share

    def read(self, batch: np.ndarray, device: str) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return the inputs of the network, the targets and their weights."""
        rows = [self._row(self._windows[i], bool(self._imputes[i])) for i in batch]
        arrays = [
            torch.from_numpy(np.stack(column)).to(device) for column in zip(*rows, strict=True)
        ]
        return arrays[:4], arrays[4], arrays[5]

    def _row(self, window: Window, is_imputed: bool) -> list[np.ndarray]:
        recording = self._data.recordings[window.recording]
        targets: Targets = self._targets[window.recording]
        length = self._sampler.length
        steps = slice(window.start, min(window.start + length, recording.steps))
        width = recording.visual.shape[1] if self._arm.reads_visual else 0
        sound, is_real = self._sound(recording, steps, is_imputed)
        rows = [visual_rows(recording, steps, width), recording.shown[steps], sound, is_real]
        rows += [targets.target[steps], targets.weight[steps]]
        return [_padded(row, length) for row in rows]

    def _sound(
        self, recording: Recording, steps: slice, is_imputed: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        if not self._arm.reads_sound:
            return np.zeros((steps.stop - steps.start, 0), np.float32), recording.has_sound[steps]
        is_real = recording.has_sound[steps]
        name = self._arm.imputation
        if name is not None and is_imputed:
            is_real = np.zeros_like(is_real)
        sound = recording.sound[steps]
        if not is_real.all():
            imputed = 0.0 if name is None else recording.imputed[name][steps]
            sound = np.where(is_real[:, None], sound, imputed)
        return sound.astype(np.float32), is_real


def _with_weights(targets: Targets, of_kinds: np.ndarray) -> Targets:
    return Targets(targets.target, targets.weight * of_kinds)


def _padded(rows: np.ndarray, length: int) -> np.ndarray:
    """Pad rows (n, ...) with zeros, or False, to (length, ...)."""
    if len(rows) == length:
        return rows
    padded = np.zeros((length, *rows.shape[1:]), rows.dtype)
    padded[: len(rows)] = rows
    return padded


def _standardize(model: Spotter, recordings: Sequence[Recording]) -> None:
    """Take mean and scale of steps that have a picture, and sound, of the training matches."""
    if model.config.visual_dim:
        _fit(model.standardize_visual, [(r.visual, r.shown) for r in recordings], is_shared=False)
    if model.config.sound_dim:
        _fit(model.standardize_sound, [(r.sound, r.has_sound) for r in recordings], is_shared=True)


def _fit(layer: Standardize, parts: Sequence[tuple[Rows, np.ndarray]], is_shared: bool) -> None:
    """Fit in one pass over blocks of rows. is_shared: one scale for all features."""
    width = parts[0][0].shape[1]
    count, total, squares = 0, np.zeros(width), np.zeros(width)
    for rows, chosen in parts:
        for start in range(0, len(chosen), ROWS_AT_ONCE):
            steps = slice(start, min(start + ROWS_AT_ONCE, len(chosen)))
            block = rows[steps][chosen[steps]].astype(np.float64)
            count += len(block)
            total += block.sum(axis=0)
            squares += np.square(block).sum(axis=0)
    if not count:
        return
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0)
    if is_shared:
        variance[:] = variance.mean()
    scale = np.sqrt(variance)
    scale[scale < CONSTANT] = 1.0
    layer.mean.copy_(torch.from_numpy(mean))
    layer.scale.copy_(torch.from_numpy(scale))
