"""Losses on crops of the objects that sound: class, distance between crops, cosine to the audio.

These are the three losses that the source adds. It passes the crops through a second network, so
that no gradient of them reaches the segmentation; `SeparateCropNetwork` reproduces this. Here,
crops are regions of the last map of the segmentation's own encoder. Boxes are read only in
training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import roi_align

CELLS = 7  # of a crop's side, averaged


@dataclass(frozen=True)
class Crops:
    """K boxes of a batch of B windows of T frames.

    boxes: (K, 4), left, top, right, bottom in pixels. frames: int64 (K,), from 0 to B T - 1.
    windows: int64 (K,), from 0 to B - 1. labels: int64 (K,), the class of each object.
    """

    boxes: Tensor
    frames: Tensor
    windows: Tensor
    labels: Tensor

    def to(self, device: str) -> Crops:
        """Return them on a device."""
        return Crops(*(tensor.to(device) for tensor in vars(self).values()))


class CropHeads(nn.Module):
    """A classifier of crops, and projections of crops and audio to the same D dimensions."""

    def __init__(self, channels: int, audio_dim: int, classes: int, dim: int) -> None:
        super().__init__()
        self.classify = nn.Linear(channels, classes)
        self.project = nn.Linear(channels, dim)
        self.project_audio = nn.Linear(audio_dim, dim)


class SeparateCropNetwork(nn.Module):
    """The source's second network, for its ablation: it shares no weight with the segmentation.

    It ends in two linear layers without a non-linearity between them, and a ReLU: a crop without a
    positive logit has no gradient. The source does not describe how 23 class outputs are compared
    with 128 audio features; a linear layer maps them here. Its losses have no gradient on the
    segmentation. Clipping the gradient norm of both networks together would still couple them.

    backbone: a network that computes pooled features (K, F) of pictures.
    """

    def __init__(self, backbone: nn.Module, features: int, audio_dim: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classify = nn.Sequential(nn.Linear(features, 512), nn.Linear(512, classes), nn.ReLU())
        self.to_audio = nn.Linear(classes, audio_dim)

    def losses(self, pixels: Tensor, crops: Crops, audio: Tensor) -> dict[str, Tensor]:
        """Compute the three losses of crops (K, 3, H, W), resized, and the audio (B, T, A)."""
        logits = self.classify(self.backbone(pixels))  # (K, classes)
        sound = audio.mean(dim=1)[crops.windows]  # (K, A)
        return {
            "crop_cross_entropy": class_loss(logits, crops.labels),
            "crop_distance": distance_loss(logits, crops),
            "crop_cosine": cosine_loss(self.to_audio(logits), sound),
        }


def crop_features(last_map: Tensor, crops: Crops, stride: int) -> Tensor:
    """Average the encoder's last map (B T, C, H, W) over each box: (K, C).

    stride: pixels of the picture from one place of the map to the next.
    """
    # In float32: bfloat16 cannot tell frame 257 from 256.
    rois = torch.cat([crops.frames[:, None].float(), crops.boxes.float()], dim=1)  # (K, 5)
    cells = roi_align(last_map.float(), rois, CELLS, 1 / stride, aligned=True)  # (K, C, 7, 7)
    return cells.mean(dim=(2, 3))


def crop_losses(
    heads: CropHeads, features: Tensor, crops: Crops, audio: Tensor
) -> dict[str, Tensor]:
    """Compute the three losses of crop features (K, C) and the audio (B, T, A) of the windows.

    Distances are between unit vectors, so that a smaller scale does not reduce them. The logits
    have no ReLU.
    """
    vectors = F.normalize(heads.project(features), dim=1)  # (K, D)
    sound = heads.project_audio(audio.mean(dim=1))[crops.windows]  # (K, D)
    return {
        "crop_cross_entropy": class_loss(heads.classify(features), crops.labels),
        "crop_distance": distance_loss(vectors, crops),
        "crop_cosine": cosine_loss(vectors, sound),
    }


def class_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Average the cross-entropy of logits (K, classes); 0 without crops."""
    return F.cross_entropy(logits, labels, reduction="sum") / max(len(labels), 1)


def distance_loss(vectors: Tensor, crops: Crops) -> Tensor:
    """Average the distance over pairs of crops of one class in one window; 0 without such a pair.

    There are no negative pairs: alone, this loss is minimal where all crops have the same features,
    which `class_separation` detects.
    """
    a, b = torch.triu_indices(len(vectors), len(vectors), offset=1, device=vectors.device)
    alike = (crops.windows[a] == crops.windows[b]) & (crops.labels[a] == crops.labels[b])
    distances = F.pairwise_distance(vectors[a[alike]], vectors[b[alike]])
    return distances.sum() / max(len(distances), 1)


def cosine_loss(vectors: Tensor, sound: Tensor) -> Tensor:
    """Average 1 - cosine of crops and the audio of their window, both (K, D); 0 without crops."""
    return (1 - F.cosine_similarity(vectors, sound)).sum() / max(len(vectors), 1)


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Sum the losses with their weights; a loss of weight 0 is left out, even if it is NaN."""
    terms = [weights[name] * loss for name, loss in losses.items() if weights[name]]
    return torch.stack(terms).sum() if terms else torch.zeros(())


def class_separation(features: Tensor, labels: Tensor) -> float | None:
    """Compute the share of the variance of features (K, C) that is between classes.

    To be reported with every crop loss. None means that all crops have the same features: collapse.
    """
    centred = features.double() - features.double().mean(dim=0)
    total = centred.square().sum()
    means = [centred[labels == label] for label in labels.unique()]
    between = sum((len(rows) * rows.mean(dim=0).square().sum() for rows in means), total * 0)
    tiny = torch.finfo(features.dtype).eps ** 2 * features.double().square().sum()
    return float(between / total) if total > tiny else None
