"""How audio enters the maps of a picture: by TPAVI, or by a simpler gate.

Both take maps (B T, C, H, W) of B windows of T frames and audio (B, T, A), keep the shape, and give
LayerNorm(maps) before the first training step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each place of maps (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise maps (N, C, H, W)."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Tpavi(nn.Module):
    """Temporal pixel-wise audio-visual interaction (Zhou et al., ECCV 2022), without its matrix.

    In the paper, each of the N = T H W places of a window attends to all of them, without softmax:
    y_i = 1/N sum_j (theta_i . phi_j) g_j. By associativity, y_i = theta_i M with the small matrix
    M = 1/N sum_j phi_j g_j^T: there is no N x N matrix. Audio is the same at all places of a frame,
    and g is linear, so that M needs only the mean of each map.

    Batch normalisation starts at zero: no parameter of the audio has a gradient in the first step.
    """

    def __init__(self, channels: int, inner: int, audio_dim: int) -> None:
        super().__init__()
        self.align = nn.Linear(audio_dim, channels)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Linear(channels, inner)
        self.g = nn.Linear(channels, inner)
        self.out = nn.Conv2d(inner, channels, 1)
        self.out_norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.out_norm.weight)  # its bias is zero anyway
        self.norm = ChannelNorm(channels)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:  # (B T, C, H, W), (B, T, A)
        """Add what the audio of all frames says to the maps, and normalise: (B T, C, H, W)."""
        z = self.out_norm(self.out(self.attend(x, audio))) + x
        return self.norm(z)

    def attend(self, x: Tensor, audio: Tensor) -> Tensor:
        """Compute y (B T, K, H, W), what each place gets from its window."""
        m = self.association(x, audio)  # (B, K, K)
        m = m.to(x.dtype).repeat_interleave(audio.shape[1], dim=0)  # (B T, K, K)
        theta = self.theta(x)  # (B T, K, H, W)
        return (m.transpose(1, 2) @ theta.flatten(2)).view_as(theta)

    def association(self, x: Tensor, audio: Tensor) -> Tensor:
        """Compute M (B, K, K) of windows; at least in float32, also under autocast."""
        with torch.autocast(x.device.type, enabled=False):
            precise = torch.promote_types(x.dtype, torch.float32)
            phi = self.phi(self.align(audio.to(precise)))  # (B, T, K)
            means = x.mean(dim=(2, 3), dtype=precise)  # (B T, C)
            g = self.g(means).unflatten(0, audio.shape[:2])  # (B, T, K)
            return phi.transpose(1, 2) @ g / audio.shape[1]


class Gate(nn.Module):
    """A scale and a shift of each channel from the frame's own audio, as FiLM does."""

    def __init__(self, channels: int, audio_dim: int) -> None:
        super().__init__()
        self.scale_and_shift = nn.Linear(audio_dim, 2 * channels)
        nn.init.zeros_(self.scale_and_shift.weight)
        nn.init.zeros_(self.scale_and_shift.bias)
        self.norm = ChannelNorm(channels)

    def forward(self, x: Tensor, audio: Tensor) -> Tensor:  # (B T, C, H, W), (B, T, A)
        """Compute LayerNorm(x (1 + s(a)) + b(a)): (B T, C, H, W)."""
        per_channel = self.scale_and_shift(audio.flatten(0, 1))  # (B T, 2 C)
        scale, shift = per_channel[:, :, None, None].chunk(2, dim=1)  # (B T, C, 1, 1)
        return self.norm(x * (1 + scale) + shift)
