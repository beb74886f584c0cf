"""The generator of architecture 1: video alone to audio, no captions and no noise of its own.

standardised video features -> bottleneck -> bidirectional LSTM -> audio features, at each time step
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from unmuted.systems.shared.audio_decoder import AudioDecoder
from unmuted.systems.shared.data import GeneratorData
from unmuted.training.standardize import Standardize

BIDIRECTIONAL = "bidirectional"


@dataclass(frozen=True)
class VideoGeneratorConfig:
    """Sizes of the network; all of it is saved with the weights."""

    visual_dim: int  # Dv, RGB and flow features side by side
    audio_dim: int  # A
    architecture: str  # "bidirectional"; "lstm": causal, without bottleneck and input noise
    hidden: int  # H
    bottleneck: int
    input_noise: float
    clip_noise: float
    dropout: float
    system: int = 1  # tells its saved states from those of architecture 2


class InputNoise(nn.Module):
    """Normal noise on standardised features, in training only: of each step, and of the clip."""

    def __init__(self, of_step: float, of_clip: float) -> None:
        super().__init__()
        self.of_step, self.of_clip = of_step, of_clip

    def forward(self, x: Tensor) -> Tensor:
        """Add noise to features (B, T, D)."""
        if not self.training:
            return x
        of_clip = torch.randn_like(x[:, :1])  # (B, 1, D)
        return x + self.of_step * torch.randn_like(x) + self.of_clip * of_clip


def noisy_bottleneck(
    sizes: tuple[int, int], noise: tuple[float, float], dropout: float
) -> nn.Module:
    """Return what reduces standardised features (B, T, D).

    sizes: D and the bottleneck. noise: of each step, and of the clip.
    """
    return nn.Sequential(InputNoise(*noise), nn.Linear(*sizes), nn.Dropout(dropout))


class VideoGenerator(nn.Module):
    """Video to standardised audio features."""

    noise_dim = None  # the same clip always gives the same audio

    def __init__(self, config: VideoGeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize_visual = Standardize(config.visual_dim)
        self.standardize_audio = Standardize(config.audio_dim)
        both = config.architecture == BIDIRECTIONAL
        width = config.bottleneck if both else config.visual_dim
        self.visual: nn.Module = nn.Identity()
        if both:
            noise = config.input_noise, config.clip_noise
            self.visual = noisy_bottleneck((config.visual_dim, width), noise, config.dropout)
        sizes = width, width, config.hidden, config.audio_dim
        self.decoder = AudioDecoder(*sizes, config.dropout, both)

    def inputs(self, data: GeneratorData, clips: np.ndarray) -> list[np.ndarray]:
        """Return the inputs of `forward` for the clips at these indices: visual (B, T, Dv)."""
        return [data.visual[clips]]

    def forward(self, visual: Tensor) -> Tensor:  # (B, T, Dv)
        """Compute standardised audio features (B, T, A)."""
        x = self.visual(self.standardize_visual(visual))  # (B, T, bottleneck)
        return self.decoder(x, x)  # (B, T, A)
