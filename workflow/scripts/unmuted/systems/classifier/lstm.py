"""The action classifier, the same in every arm except for the width of its input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from unmuted.training.standardize import Standardize


@dataclass(frozen=True)
class ClassifierConfig:
    """Sizes of the network; all of it is saved with the weights.

    features: F of the video and the audio, without the indicator of `learns_missing`. audio_dim:
    how many of them, at the end, are audio. fusion: "gate" or "concatenate", as in the
    configuration. learns_missing: whether the input has one more feature, which is 1 at the steps
    that have audio; a learned token takes the place of the audio of the others.
    """

    features: int
    classes: int  # C
    hidden: int
    dropout: float
    audio_dim: int = 0
    fusion: str = "concatenate"
    learns_missing: bool = False

    @property
    def width(self) -> int:
        """How many features of a step the classifier is given."""
        return self.features + self.learns_missing


class GatedFusion(nn.Module):
    """A projection of each modality, and a gate computed from both that scales the audio.

    Each unit of each step has its own gate: on the demo's training and validation clips, out of
    fold, the log-loss was lower than with one gate a step, and that one's than by concatenation. A
    gate near 0 leaves the classifier with the video alone, whatever the audio holds.
    """

    def __init__(self, video_dim: int, audio_dim: int, units: int) -> None:
        super().__init__()
        self.video = nn.Linear(video_dim, units)
        if audio_dim:
            self.audio = nn.Linear(audio_dim, units)
            self.gate = nn.Linear(2 * units, units)

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:  # (B, T, V), (B, T, A)
        """Return [W_v v, g W_a a] of each step, (B, T, 2 U); W_v v, (B, T, U), without audio."""
        v = self.video(video)
        if audio.shape[-1] == 0:
            return v
        a = self.audio(audio)
        g = torch.sigmoid(self.gate(torch.cat([v, a], dim=-1)))  # (B, T, U)
        return torch.cat([v, g * a], dim=-1)


class Concatenation(nn.Module):
    """Video and audio side by side."""

    def forward(self, video: Tensor, audio: Tensor) -> Tensor:
        """Return [v, a] of each step."""
        return torch.cat([video, audio], dim=-1)


class Classifier(nn.Module):
    """Fusion; LSTM over the time steps; its last hidden state, dropout, linear to logits."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize = Standardize(config.features)
        if config.learns_missing:
            self.missing = nn.Parameter(torch.zeros(config.audio_dim))
        self.fusion: nn.Module
        if config.fusion == "gate":
            video_dim = config.features - config.audio_dim
            self.fusion = GatedFusion(video_dim, config.audio_dim, config.hidden)
            fused = config.hidden * (2 if config.audio_dim else 1)
        else:
            self.fusion, fused = Concatenation(), config.features
        self.lstm = nn.LSTM(fused, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden, config.classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, F), with the indicator (B, T, F + 1)
        """Compute the logits (B, C) of clips."""
        config = self.config
        standardised = self.standardize(x[..., : config.features])
        video, audio = standardised.split(
            [config.features - config.audio_dim, config.audio_dim], dim=-1
        )
        if config.learns_missing:
            audio = torch.where(x[..., -1:] > 0, audio, self.missing)
        _, (h, _) = self.lstm(self.fusion(video, audio))  # (1, B, H)
        return self.head(self.dropout(h[-1]))  # (B, C)
