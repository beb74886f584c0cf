"""The small CNN that ships with the project: what the published backbones are, for the demo."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

CHANNELS = (16, 32, 64, 96)


class TinyCnn(nn.Module):
    """Stages that halve the picture, each of two 3x3 convolutions, then the mean over places.

    3x3 convolutions throughout, as in VGG (Simonyan & Zisserman, ICLR 2015), with strides in place
    of its pooling, and batch normalisation. `dim` is the length F of a feature.
    """

    def __init__(self, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        stages = [
            nn.Sequential(*_convolution(fewer, more, stride=2), *_convolution(more, more, stride=1))
            for fewer, more in pairwise((3, *channels))
        ]
        self.stages = nn.Sequential(*stages)
        self.dim = channels[-1]

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map pictures (B, 3, H, W) to features (B, F)."""
        return self.maps(pixels).mean(dim=(2, 3))

    def maps(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map pictures (B, 3, H, W) to the features of each place, (B, F, H/16, W/16)."""
        return self.stages(pixels)


def _convolution(fewer: int, more: int, stride: int) -> list[nn.Module]:
    convolve = nn.Conv2d(fewer, more, 3, stride, padding=1, bias=False)
    return [convolve, nn.BatchNorm2d(more), nn.ReLU(inplace=True)]
