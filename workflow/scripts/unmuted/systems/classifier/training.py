"""Fitting the classifier of one arm with one seed, and predicting with a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unmuted.config.classifier import ClassifierSettings
from unmuted.errors import UserError
from unmuted.systems.classifier.lstm import Classifier, ClassifierConfig
from unmuted.training.checkpoints import Fit, even_epochs
from unmuted.training.clip_arrays import ClipArray, LazyConcat, is_finite
from unmuted.training.loop import adamw_schedule, optimise, seeded
from unmuted.training.order import content_order
from unmuted.training.states import State, load_weights, pack, settings_of

TINY = 1e-7  # of probabilities, whose logarithm must be finite


@dataclass(frozen=True)
class Teacher:
    """The classifier that another one learns from.

    probabilities: float32 (N, C), of the training clips, by classifiers that have not read them.
    temperature, weight: as in the configuration.
    """

    probabilities: np.ndarray
    temperature: float
    weight: float

    def loss(self, logits: Tensor, clips: np.ndarray) -> Tensor:
        """Return the divergence from the teacher's softened distributions, times temperature^2.

        The square keeps the size of the gradient the same at all temperatures (Hinton et al. 2015).
        """
        soft = torch.from_numpy(self.probabilities[clips]).to(logits.device)
        target = (soft.clamp_min(TINY).log() / self.temperature).log_softmax(dim=1)
        student = (logits / self.temperature).log_softmax(dim=1)
        divergence = F.kl_div(student, target, reduction="batchmean", log_target=True)
        return self.temperature**2 * divergence


def train_classifier(
    keys: Sequence[str],
    features: ClipArray,
    labels: np.ndarray,
    classes: int,
    settings: ClassifierSettings,
    seed: int,
    audio_dim: int = 0,
    device: str = "cpu",
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
    learns_missing: bool = False,
    teacher: Teacher | None = None,
) -> Fit:
    """Fit the classifier on training clips: cross-entropy on logits, AdamW, a fixed schedule.

    keys: content keys of the N clips; the order of the clips does not matter. features: float32
    (N, T, F). labels: int (N,), 0..classes-1. audio_dim: how many of the features, at the end,
    are audio; they are centred and share one scale (principal components), the others are
    standardised each. learns_missing: whether one more feature, the last, tells the steps that have
    audio (see `ClassifierConfig`). teacher: of the same N clips, for a student.
    """
    _check(features, labels, classes)
    order = content_order(keys, labels, features)
    measured = _without_last(features) if learns_missing else features
    config = ClassifierConfig(
        measured.shape[2],
        classes,
        settings.hidden,
        settings.dropout,
        audio_dim,
        settings.fusion,
        learns_missing,
    )
    kept, snapshots = even_epochs(settings.epochs, settings.snapshots), list[State]()
    with seeded(seed, device):
        model = Classifier(config)
        model.standardize.fit(measured, order, shared_scale=audio_dim)
        model.to(device)

        def losses_of(batch: Tensor) -> dict[str, Tensor]:
            clips = order[batch.numpy()]
            x = torch.from_numpy(features[clips]).to(device)  # (B, T, F)
            y = torch.from_numpy(labels[clips].astype(np.int64)).to(device)  # (B,)
            logits = model(x)  # (B, C)
            loss = F.cross_entropy(logits, y)
            if teacher is not None:
                soft = teacher.loss(logits, clips)
                loss = (1 - teacher.weight) * loss + teacher.weight * soft
            return {"loss": loss}

        def keep(epoch: int, row: dict[str, float]) -> None:
            if epoch in kept:
                snapshots.append(pack(model, asdict(config)))
            if after_epoch is not None:
                after_epoch(epoch, row)

        history = optimise(model, losses_of, len(order), adamw_schedule(settings), keep)
    return Fit(snapshots, kept, history)


def _without_last(features: ClipArray) -> LazyConcat:
    """Return the features (N, T, F) without the last one."""
    *shape, width = features.shape
    return LazyConcat((*shape, width - 1), lambda clips: features[clips][..., :-1])


def _check(features: ClipArray, labels: np.ndarray, classes: int) -> None:
    if len(features) != len(labels) or len(features) == 0:
        raise UserError(f"classifier: {len(features)} training clips and {len(labels)} labels")
    if not is_finite(features):
        raise UserError("the classifier's training features hold values that are not finite")
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(f"labels {labels.min()}..{labels.max()}, expected 0..{classes - 1}")


def load_classifier(state: State, device: str = "cpu") -> Classifier:
    """Build the network of a checkpoint, for `predict_with`: building costs more than one clip."""
    model = Classifier(ClassifierConfig(**settings_of(state)))
    load_weights(model, state, device)
    return model


def predict(state: State, features: ClipArray, device: str = "cpu") -> np.ndarray:
    """Predict with the network of a checkpoint; see `predict_with`."""
    return predict_with(load_classifier(state, device), features, device)


@torch.inference_mode()
def predict_with(model: Classifier, features: ClipArray, device: str = "cpu") -> np.ndarray:
    """Predict class probabilities float32 (N, C) of features (N, T, F), one clip at a time.

    So the probabilities of a clip do not depend on other clips, to the last bit.
    """
    config = model.config
    if features.shape[2] != config.width:
        raise UserError(
            f"classifier expects {config.width} features a time step, got {features.shape[2]}"
        )
    probabilities = np.zeros((len(features), config.classes), dtype=np.float32)
    for i in range(len(features)):
        clip = torch.tensor(features[i : i + 1])  # (1, T, F)
        logits = model(clip.to(device))[0]  # (C,)
        probabilities[i] = logits.double().softmax(dim=0).cpu().numpy()
    return probabilities
