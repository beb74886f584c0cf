"""Standardisation of features with statistics of the training clips alone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from unmuted.training.clip_arrays import ClipArray
from unmuted.training.moments import moments


class Standardize(nn.Module):
    """(x - mean) / scale on the last axis; the statistics are buffers, saved with the weights."""

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    def fit(self, features: ClipArray, clips: np.ndarray, shared_scale: int = 0) -> None:
        """Take the statistics of the clips at the indices `clips` of features (N, T, D)."""
        mean, scale = moments(features, clips, shared_scale)
        self.mean.copy_(torch.from_numpy(mean))
        self.scale.copy_(torch.from_numpy(scale))

    def forward(self, x: Tensor) -> Tensor:
        """Standardise features (..., D)."""
        return (x - self.mean) / self.scale

    def undo(self, x: Tensor) -> Tensor:
        """Return standardised features (..., D) to their own scale."""
        return x * self.scale + self.mean
