"""Fitting the CNN-RNN recogniser with one seed, and predicting with a checkpoint of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unmuted.config.cnn_rnn import CnnRnnSettings
from unmuted.errors import UserError
from unmuted.systems.cnn_rnn.model import CnnRnn, CnnRnnConfig
from unmuted.systems.cnn_rnn.sequences import FrameSequences
from unmuted.training.checkpoints import Fit
from unmuted.training.clip_arrays import is_finite
from unmuted.training.loop import Schedule, optimise, seeded
from unmuted.training.order import content_order
from unmuted.training.states import State, load_weights, pack, settings_of

KERAS_EPSILON = 1e-7  # of its Adam; torch's own is 1e-8


def keras_schedule(settings: CnnRnnSettings) -> Schedule:
    """Adam at a constant rate, as Keras compiles it: gradients are not clipped.

    Without weight decay AdamW is Adam. Keras adds its epsilon before the correction of the
    second moment, torch after it, where it counts up to 32 times as much in the first steps.
    """
    return Schedule(
        settings.epochs,
        settings.batch_size,
        settings.learning_rate,
        weight_decay=0.0,
        is_constant=True,
        gradient_norm=None,
        epsilon=KERAS_EPSILON,
    )


def network(settings: CnnRnnSettings, features: int, classes: int) -> CnnRnnConfig:
    """Return the network's sizes for F features per frame and C classes."""
    sizes = settings.gru_units, settings.dense_units
    return CnnRnnConfig(features, classes, *sizes, settings.dropout)


def train_cnn_rnn(
    keys: Sequence[str],
    sequences: FrameSequences,
    labels: np.ndarray,
    classes: int,
    settings: CnnRnnSettings,
    seed: int,
    device: str = "cpu",
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> Fit:
    """Fit the recogniser on N training clips; a checkpoint of every epoch is kept.

    keys: their content keys; the order of the clips does not matter. labels: int (N,),
    0..classes-1; some classes may not occur. The loss is cross-entropy on logits, which the source
    document writes as a softmax and the log loss.
    """
    _check(sequences, labels, classes)
    order = content_order(keys, labels, sequences.mask, sequences.features)
    config = network(settings, sequences.features.shape[2], classes)
    snapshots: list[State] = []
    with seeded(seed, device):
        model = CnnRnn(config).to(device)

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            clips = order[batch.numpy()]
            y = torch.from_numpy(labels[clips].astype(np.int64)).to(device)  # (B,)
            return {"loss": F.cross_entropy(model(*_inputs(sequences, clips, device)), y)}

        def keep(epoch: int, row: dict[str, float]) -> None:
            snapshots.append(pack(model, asdict(config)))
            if after_epoch is not None:
                after_epoch(epoch, row)

        history = optimise(model, losses_of, len(order), keras_schedule(settings), keep)
    return Fit(snapshots, list(range(1, settings.epochs + 1)), history)


def _inputs(sequences: FrameSequences, clips: np.ndarray, device: str) -> tuple[Tensor, Tensor]:
    x = torch.from_numpy(sequences.features[clips]).to(device)  # (B, L, F)
    return x, torch.from_numpy(sequences.mask[clips]).to(device)  # (B, L)


def _check(sequences: FrameSequences, labels: np.ndarray, classes: int) -> None:
    if len(sequences) != len(labels) or len(labels) == 0:
        raise UserError(f"CNN-RNN: {len(sequences)} training clips and {len(labels)} labels")
    if not is_finite(sequences.features):
        raise UserError("the CNN-RNN's training features hold values that are not finite")
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"labels {labels.min()}..{labels.max()}, expected 0..{classes - 1}")


def load_cnn_rnn(state: State, device: str = "cpu") -> CnnRnn:
    """Build the network of a checkpoint."""
    settings = settings_of(state)
    config = CnnRnnConfig(**{**settings, "gru_units": tuple(settings["gru_units"])})
    model = CnnRnn(config)
    load_weights(model, state, device)
    return model


@torch.inference_mode()
def predict_with(
    model: CnnRnn, sequences: FrameSequences, device: str = "cpu", at_once: int = 1
) -> np.ndarray:
    """Predict class probabilities float32 (N, C) of clips.

    at_once: clips per batch. With one, the probabilities of a clip do not depend on other clips, to
    the last bit; the choice of checkpoints does not need that and is several times faster with
    more.
    """
    given, width = sequences.features.shape[2], model.config.features
    if given != width:
        raise UserError(f"the CNN-RNN expects {width} features a frame, got {given}")
    probabilities = np.zeros((len(sequences), model.config.classes), dtype=np.float32)
    for start in range(0, len(sequences), at_once):
        clips = np.arange(start, min(start + at_once, len(sequences)))
        logits = model(*_inputs(sequences, clips, device))  # (B, C)
        probabilities[clips] = logits.double().softmax(dim=1).cpu().numpy()
    return probabilities
