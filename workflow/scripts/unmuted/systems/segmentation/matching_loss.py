"""The audio-visual matching loss of Zhou et al. (ECCV 2022) for clips with several sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

Matching = Literal["none", "kl", "euclidean"]


def matching_loss(
    kind: Literal["kl", "euclidean"],
    maps: Sequence[Tensor],
    audio: Sequence[Tensor],
    logits: Tensor,
) -> Tensor:
    """Compute how far the audio of frames is from what their masks mark, the mean over stages.

    A frame's visual vector of a stage is the mean over places of its rectified map times the
    predicted mask at the map's size. `kl`: Kullback-Leibler divergence from the softmax of this
    vector to the softmax of the audio, summed over all frames of the batch, as the reference does:
    it grows with the batch. `euclidean`: the mean of the distances of frames.

    maps: (B T, D, H_i, W_i), after the audio has entered. audio: (B, T, D), brought to the maps'
    width by the fusion of each stage. logits: (B, T, H, W). Nothing is normalised. A map has no
    values below zero: the reference's decoder rectifies them in place before they are compared.
    """
    losses = []
    for features, sound in zip(maps, audio, strict=True):
        visual = masked_mean(features.relu(), logits.flatten(0, 1))  # (B T, D)
        losses.append(_DISTANCES[kind](visual, sound.flatten(0, 1)))
    return torch.stack(losses).mean()


def masked_mean(features: Tensor, logits: Tensor) -> Tensor:
    """Average maps (N, D, h, w) over all places, each weighted by the mask of (N, H, W): (N, D)."""
    height, width = features.shape[-2:]
    pooled = F.adaptive_avg_pool2d(logits[:, None], (height, width))  # (N, 1, h, w)
    return (features * pooled.sigmoid()).mean(dim=(2, 3))


def divergence(visual: Tensor, sound: Tensor) -> Tensor:
    """Sum KL(softmax(sound) || softmax(visual)) over rows (N, D)."""
    log_visual, log_sound = visual.log_softmax(dim=1), sound.log_softmax(dim=1)
    return F.kl_div(log_visual, log_sound, reduction="sum", log_target=True)


def distance(visual: Tensor, sound: Tensor) -> Tensor:
    """Average the Euclidean distances of rows (N, D)."""
    return F.pairwise_distance(sound, visual).mean()


_DISTANCES = {"kl": divergence, "euclidean": distance}
