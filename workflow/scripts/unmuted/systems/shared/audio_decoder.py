"""The last part of both generators: from what is known of each time step to audio features."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

WAVES = 3  # sines and cosines that tell where in the clip a time step lies


def positions(length: int, device: torch.device) -> Tensor:
    """Return where each of the time steps of a clip lies: (T, 2 WAVES), from -1 to 1."""
    time = torch.linspace(0, 1, length, device=device)[:, None]  # (T, 1), start to end of the clip
    angles = math.pi * time * torch.arange(1, WAVES + 1, device=device)  # (T, WAVES)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class AudioDecoder(nn.Module):
    """LSTM and linear layer; causal, or bidirectional.

    A bidirectional one is told where in the clip a step lies, so that it need not learn to count
    before it learns what a clip sounds like; and the mean of the picture has its own way to the
    mean of the sound, which few clips suffice to learn.
    """

    def __init__(
        self, width: int, seen: int, hidden: int, audio_dim: int, dropout: float, both: bool
    ) -> None:
        super().__init__()
        self.both = both
        self.lstm = nn.LSTM(width + 2 * WAVES * both, hidden, batch_first=True, bidirectional=both)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear((1 + both) * hidden, audio_dim)
        self.of_clip = nn.Linear(seen, audio_dim) if both else None

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Compute audio (B, T, A) from x (B, T, W) and the reduced picture `seen` (B, T, S)."""
        if self.of_clip is None:
            h, _ = self.lstm(x)  # (B, T, H)
            return self.head(self.dropout(h))  # (B, T, A)
        where = positions(x.shape[1], x.device).expand(len(x), -1, -1)  # (B, T, 2 WAVES)
        h, _ = self.lstm(torch.cat([x, where], dim=-1))  # (B, T, 2 H)
        return self.head(self.dropout(h)) + self.of_clip(seen.mean(dim=1, keepdim=True))
