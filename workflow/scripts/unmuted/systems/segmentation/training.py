"""The training of one network: cross-entropy and Dice, AdamW with one cycle, mirrored pictures."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from unmuted.config.avs_training import (
    AvsMatchingSettings,
    AvsNetworkSettings,
    AvsTrainingSettings,
    CropLossSettings,
    Fusion,
    NegativeSettings,
)
from unmuted.errors import UserError
from unmuted.systems.segmentation.arms import SegmentationArm
from unmuted.systems.segmentation.crop_losses import (
    CropHeads,
    SeparateCropNetwork,
    class_separation,
    crop_features,
    crop_losses,
    weighted_sum,
)
from unmuted.systems.segmentation.crops import box_masks, crop_pixels, pooled_backbone
from unmuted.systems.segmentation.mask_loss import mask_loss
from unmuted.systems.segmentation.matching_loss import matching_loss
from unmuted.systems.segmentation.networks import (
    FrozenEncoder,
    TrainedPart,
    network_config,
    new_network,
    pack_network,
)
from unmuted.systems.segmentation.training_data import (
    Batch,
    TrainingClips,
    draw_batches,
    make_batch,
    shuffled_sound,
    trainable_seconds,
    with_negatives,
)
from unmuted.training.checkpoints import Fit, even_epochs
from unmuted.training.loop import GRADIENT_NORM, seeded

SEPARATE_RATE = 1e-4  # of the source's Adam


@dataclass(frozen=True)
class NetworkSettings:
    """The sections of `avs` that a training reads."""

    network: AvsNetworkSettings
    training: AvsTrainingSettings
    negatives: NegativeSettings
    crop_losses: CropLossSettings
    fusion: Fusion
    matching: AvsMatchingSettings = field(default_factory=AvsMatchingSettings)


def trained_stages_of(arm: SegmentationArm, settings: AvsTrainingSettings) -> int:
    """Return how many stages of the encoder an arm trains."""
    return max(settings.trained_stages, int(arm.trains_encoder))


def fusion_of(arm: SegmentationArm, configured: Fusion) -> Fusion:
    """Return how the audio enters the maps of an arm's network."""
    others: Mapping[Fusion, Fusion] = {"gate": "tpavi", "tpavi": "gate"}
    return others[configured] if arm.other_fusion else configured


def arm_audio(clips: TrainingClips, arm: SegmentationArm, seed: int) -> Tensor:
    """Return the audio (N, K, A) that an arm is trained on; `clips` hold real or generated one."""
    if arm.audio == "none":
        return torch.zeros_like(clips.audio)
    return shuffled_sound(clips, seed) if arm.audio == "shuffled" else clips.audio


class CropTraining:
    """The crop losses of an arm, on the segmentation's encoder or by a second network."""

    def __init__(
        self, arm: SegmentationArm, clips: TrainingClips, encoder: FrozenEncoder, settings: Any
    ) -> None:
        self.weights = {
            name: weight * (name in arm.crop_losses)
            for name, weight in vars(settings).items()
            if name.startswith("crop_")
        }
        self.heads: CropHeads | None = None
        self.separate: SeparateCropNetwork | None = None
        self._optimiser: torch.optim.Optimizer | None = None
        self.stride = encoder.strides[-1]
        sizes = clips.audio.shape[-1], len(clips.classes)
        if not arm.crop_losses:
            return
        # Random numbers of their own: the segmentation is trained on the same draws without them.
        with torch.random.fork_rng(devices=[]):
            if not arm.separate:
                heads = CropHeads(encoder.channels[-1], *sizes, settings.dim)
                self.heads = heads.to(encoder.device)
                return
            backbone = pooled_backbone(nn.Sequential(*copy.deepcopy(encoder.encoder.stages)))
            backbone.requires_grad_(True)
            separate = SeparateCropNetwork(backbone, encoder.channels[-1], *sizes)
            self.separate = separate.to(encoder.device)
        self._optimiser = torch.optim.Adam(self.separate.parameters(), SEPARATE_RATE)

    def loss(self, maps: list[Tensor], batch: Batch) -> Tensor | None:
        """Return the weighted losses on the encoder's last map, None where there are none."""
        if self.heads is None or batch.crops is None:
            return None
        features = crop_features(maps[-1], batch.crops, self.stride)
        losses = crop_losses(self.heads, features, batch.crops, batch.audio)
        return weighted_sum(losses, self.weights)

    def step_separate(self, batch: Batch) -> Tensor | None:
        """Train the second network; nothing of the segmentation is read or changed."""
        if self.separate is None or self._optimiser is None or batch.frames is None:
            return None
        crops = batch.crops
        if crops is None or len(crops.labels) < 2:  # batch normalisation needs two
            return None
        self.separate.train()
        losses = self.separate.losses(crop_pixels(batch.frames, crops), crops, batch.audio)
        total = weighted_sum(losses, self.weights)
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        self._optimiser.step()
        return total.detach()


def train_network(
    clips: TrainingClips,
    arm: SegmentationArm,
    encoder: FrozenEncoder,
    settings: NetworkSettings,
    seed: int,
    after_epoch: Callable[[int], None] = lambda epoch: None,
) -> Fit:
    """Train the network of an arm and keep evenly spaced checkpoints.

    Reads training clips only, and trains on the encoder's device. The same seed and clips give the
    same bytes on a CPU with equally many threads, however many trainings run side by side. Raises
    UserError where no usable second has a truth that is not empty, or a loss is not finite.
    """
    training = settings.training
    negatives = settings.negatives
    if not arm.negatives:
        negatives = negatives.changed(recorded=False, silent=0, swapped=0)
    usable = trainable_seconds(clips, negatives.recorded)
    if not (usable & clips.truth.flatten(2).any(dim=2)).any():
        raise UserError(
            "avs: no labelled second of a training video has a pixel of its mask: masks of what "
            "sounds are needed to train on"
        )
    kept = set(even_epochs(training.epochs, training.snapshots))
    snapshots, history = [], []
    with seeded(seed, encoder.device):
        config = network_config(
            settings.network, clips.audio.shape[-1], fusion_of(arm, settings.fusion)
        )
        network = new_network(config, encoder, trained_stages_of(arm, training))
        crops = CropTraining(arm, clips, encoder, settings.crop_losses)
        audio = arm_audio(clips, arm, seed)
        matching = settings.matching
        loop = _Loop(network, crops, clips, audio, usable, training, arm, matching, encoder.device)
        for epoch in range(1, training.epochs + 1):
            history.append({"epoch": float(epoch), **loop.epoch(negatives)})
            if epoch in kept:
                snapshots.append(pack_network(network))
            after_epoch(epoch)
    return Fit(snapshots, sorted(kept), history)


class _Loop:
    """Networks, optimiser and clips of one training."""

    def __init__(
        self,
        network: TrainedPart,
        crops: CropTraining,
        clips: TrainingClips,
        audio: Tensor,
        usable: Tensor,
        settings: AvsTrainingSettings,
        arm: SegmentationArm,
        matching: AvsMatchingSettings,
        device: str,
    ) -> None:
        self.matching, self.device = matching, device
        self.network, self.crops, self.clips, self.audio = network, crops, clips, audio
        self.usable, self.settings, self.arm = usable, settings, arm
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        if crops.heads is not None:
            self.parameters += list(crops.heads.parameters())
        steps = sum(1 for _ in self._draw_without_trace())
        rate = float(settings.learning_rate)
        self.optimiser = torch.optim.AdamW(
            self.parameters, lr=rate, weight_decay=float(settings.weight_decay), fused=True
        )
        self.cycle = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, total_steps=max(steps * settings.epochs, 2)
        )

    def _draw_without_trace(self) -> Any:
        with torch.random.fork_rng(devices=[]):
            return list(self._draw())

    def _draw(self) -> Any:
        return draw_batches(self.usable, self.settings.seconds, self.settings.batch_size)

    def epoch(self, negatives: NegativeSettings) -> dict[str, float]:
        """Pass once over the clips; return mean losses."""
        self.network.train()
        sums: dict[str, float] = defaultdict(float)
        total = 0
        for chosen, seconds in self._draw():
            batch = make_batch(self.clips, chosen, seconds, self.audio)
            batch = with_negatives(batch, self.clips, chosen, seconds, negatives)
            if self.arm.masks == "boxes" and batch.crops is not None:
                batch = replace(batch, truth=box_masks(batch.crops, batch.truth))
            losses = self.step(batch.to(self.device))
            for name, value in losses.items():
                sums[name] += value * len(chosen)
            total += len(chosen)
        return {name: value / total for name, value in sums.items()}

    def step(self, batch: Batch) -> dict[str, float]:
        """Train on one batch."""
        maps = self.network.all_maps(batch.maps)
        fused = self.network.head.fuse(maps, batch.audio)
        logits = self.network.head.decode(fused, batch.audio)
        losses = mask_loss(logits, batch.truth, batch.counted)
        loss = losses["cross_entropy"] + losses["dice"]
        matching = self._matching_loss(fused, logits, batch.audio)
        if matching is not None:
            losses["matching"] = matching
            loss = loss + matching
        crop_loss = self.crops.loss(maps, batch)
        if crop_loss is not None:
            losses["crops"] = crop_loss
            loss = loss + crop_loss
        if not torch.isfinite(loss):
            raise UserError(f"avs: the training of {self.arm.name} diverged: its loss is {loss}")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, GRADIENT_NORM)
        self.optimiser.step()
        self.cycle.step()
        separate = self.crops.step_separate(batch)
        if separate is not None:
            losses["separate"] = separate
        return {name: float(value.detach()) for name, value in losses.items()}

    def _matching_loss(
        self, fused: Sequence[Tensor], logits: Tensor, audio: Tensor
    ) -> Tensor | None:
        """Return the weighted matching loss; None where none is configured, or by the gate."""
        if self.matching.loss == "none":
            return None
        aligned = self.network.head.aligned(audio)
        if not aligned:
            return None
        maps = [fused[i] for i in aligned]
        loss = matching_loss(self.matching.loss, maps, list(aligned.values()), logits)
        return float(self.matching.weight) * loss


def crop_separation(
    network: TrainedPart, clips: TrainingClips, encoder: FrozenEncoder
) -> float | None:
    """Compute the share of the variance of crop features that is between classes.

    None means that the features of all crops are the same, or that there are no crops.
    """
    features, labels = [], []
    usable = trainable_seconds(clips, negatives=False)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(0)
        for chosen, seconds in draw_batches(usable, 1, 32):
            batch = make_batch(clips, chosen, seconds, clips.audio).to(encoder.device)
            if batch.crops is not None:
                maps = network.all_maps(batch.maps)
                features.append(crop_features(maps[-1], batch.crops, encoder.strides[-1]))
                labels.append(batch.crops.labels)
    return class_separation(torch.cat(features), torch.cat(labels)) if features else None
