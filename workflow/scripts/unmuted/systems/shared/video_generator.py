"""The generator of architecture 1: video alone to audio, no captions and no noise.

standardised video features -> LSTM -> audio features, at each time step
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn

from unmuted.systems.shared.data import GeneratorData
from unmuted.training.standardize import Standardize


@dataclass(frozen=True)
class VideoGeneratorConfig:
    """Sizes of the network; all of it is saved with the weights."""

    visual_dim: int  # Dv, RGB and flow features side by side
    audio_dim: int  # A
    hidden: int
    dropout: float
    architecture: int = 1  # tells its saved states from those of architecture 2


class VideoGenerator(nn.Module):
    """Video to standardised audio features."""

    noise_dim = None  # the same clip always gives the same audio

    def __init__(self, config: VideoGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize_visual = Standardize(config.visual_dim)
        self.standardize_audio = Standardize(config.audio_dim)
        self.lstm = nn.LSTM(config.visual_dim, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden, config.audio_dim)

    def inputs(self, data: GeneratorData, clips: np.ndarray) -> list[np.ndarray]:
        """Return the inputs of `forward` for the clips at these indices: visual (B, T, Dv)."""
        return [data.visual[clips]]

    def forward(self, visual: Tensor) -> Tensor:  # (B, T, Dv)
        """Compute standardised audio features (B, T, A)."""
        h, _ = self.lstm(self.standardize_visual(visual))  # (B, T, H)
        return self.head(self.dropout(h))  # (B, T, A)
