"""The spotter: two bidirectional GRUs over the steps of picture and sound, one logit a kind.

standardised features -> linear, ReLU -> bidirectional GRU, of each medium -> side by side -> linear
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmuted.systems.highlights.recurrent import bidirectional_states
from unmuted.training.standardize import Standardize


@dataclass(frozen=True)
class SpotterConfig:
    """Sizes of the network; all of it is saved with the weights."""

    visual_dim: int  # F, of a step; 0: the picture is not read
    sound_dim: int  # A, of a step; 0: the sound is not read
    kinds: int  # K
    width: int
    hidden: int  # H
    dropout: float


class Tower(nn.Module):
    """What a GRU reads of one medium, and the GRU."""

    def __init__(self, features: int, config: SpotterConfig) -> None:
        super().__init__()
        self.reduce = nn.Linear(features, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.gru = nn.GRU(config.width, config.hidden, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:  # (B, L, features)
        """Compute the input (B, L, width) of the GRU."""
        return self.dropout(F.relu(self.reduce(x)))


class Spotter(nn.Module):
    """Picture and sound of steps to the logits of kinds.

    A step without a picture, or without sound, reads as an average one with a flag beside it.
    """

    def __init__(self, config: SpotterConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize_visual = Standardize(config.visual_dim)
        self.standardize_sound = Standardize(config.sound_dim)
        sizes = {"visual": config.visual_dim, "sound": config.sound_dim}
        self.towers = nn.ModuleDict(
            {name: Tower(size + 1, config) for name, size in sizes.items() if size}
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(2 * config.hidden * len(self.towers), config.kinds)

    def forward(self, visual: Tensor, shown: Tensor, sound: Tensor, is_real: Tensor) -> Tensor:
        """Compute logits (B, L, K).

        visual: (B, L, F). shown: bool (B, L), steps with a picture. sound: (B, L, A), imputed
        where `is_real`, bool (B, L), is False.
        """
        reduced = []
        if "visual" in self.towers:
            x = self.standardize_visual(visual).masked_fill(~shown[..., None], 0.0)
            reduced.append(self.towers["visual"](flagged(x, shown)))  # (B, L, width)
        if "sound" in self.towers:
            x = self.standardize_sound(sound)
            reduced.append(self.towers["sound"](flagged(x, is_real)))  # (B, L, width)
        grus = [cast(Tower, tower).gru for tower in self.towers.values()]
        states = bidirectional_states(grus, reduced)  # (B, L, 2 H) each
        return self.head(self.dropout(torch.cat(states, dim=-1)))


def flagged(x: Tensor, flag: Tensor) -> Tensor:
    """Put a flag, bool (B, L), beside features (B, L, D): (B, L, D + 1)."""
    return torch.cat([x, flag[..., None].to(x.dtype)], dim=-1)


def spotting_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Compute the mean binary cross-entropy over the steps and kinds with weight, (B, L, K) each.

    Each kind has a logit of its own, since a penalty and a goal may fall together.
    """
    losses = F.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")
    return losses / weight.sum().clamp(min=1)
