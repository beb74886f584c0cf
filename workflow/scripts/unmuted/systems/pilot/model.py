"""The pilot: one LSTM over RGB and flow of a CNN, with two branches on its last hidden state.

standardised features of the CNN -> LSTM -> x -> class, and the audio features of all time steps

After the sound-feature generator of Lee et al., ICASSP 2019 (METHODS.md, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmuted.systems.pilot.data import NO_LABEL
from unmuted.training.standardize import Standardize


@dataclass(frozen=True)
class PilotConfig:
    """Sizes of the network, saved with the weights. A branch of size 0 is left out.

    visual_dim: 2 F, RGB and flow features side by side. classes: C. audio_dim: A. audio_steps: T.
    """

    visual_dim: int
    classes: int
    audio_dim: int
    audio_steps: int
    hidden: int
    dropout: float


class PilotOutput(NamedTuple):
    """The outputs for B clips; None for a branch that the network does not have."""

    logits: Tensor | None  # (B, C)
    audio: Tensor | None  # (B, T, A), standardised


class Pilot(nn.Module):
    """LSTM over the video; its last hidden state x, dropout, a linear branch for each task."""

    def __init__(self, config: PilotConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize_visual = Standardize(config.visual_dim)
        self.standardize_audio = Standardize(config.audio_dim)
        self.lstm = nn.LSTM(config.visual_dim, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.classification = self.generation = None
        if config.classes:
            self.classification = nn.Linear(config.hidden, config.classes)
        if config.audio_dim:
            self.generation = nn.Linear(config.hidden, config.audio_steps * config.audio_dim)

    def forward(self, visual: Tensor) -> PilotOutput:  # (B, T - 1, 2 F)
        """Compute the outputs of both branches."""
        _, (h, _) = self.lstm(self.standardize_visual(visual))  # (1, B, H)
        x = self.dropout(h[-1])  # (B, H)
        logits = audio = None
        if self.classification is not None:
            logits = self.classification(x)  # (B, C)
        if self.generation is not None:
            sizes = (self.config.audio_steps, self.config.audio_dim)
            audio = self.generation(x).unflatten(1, sizes)  # (B, T, A)
        return PilotOutput(logits, audio)


def losses(
    output: PilotOutput, labels: Tensor, audio: Tensor, has_audio: Tensor, weight: float
) -> dict[str, Tensor]:
    """Compute cross-entropy + weight * mean squared error, each over the clips with its target.

    The losses of the paper are not available: this sum is this project's choice.

    labels: int64 (B,), NO_LABEL for clips without a label. audio: standardised real audio
    (B, T, A). has_audio: bool (B,), whether a clip has usable sound. A loss is 0 if no clip of the
    batch has its target; the loss of a branch that the network does not have is left out.
    """
    terms = {}
    if output.logits is not None:
        summed = F.cross_entropy(output.logits, labels, ignore_index=NO_LABEL, reduction="sum")
        terms["cross_entropy"] = summed / (labels != NO_LABEL).sum().clamp(min=1)
    if output.audio is not None:
        errors = (output.audio - audio).square().mean(dim=(1, 2))  # (B,)
        terms["mse"] = torch.where(has_audio, errors, 0.0).sum() / has_audio.sum().clamp(min=1)
    weights = {"cross_entropy": 1.0, "mse": weight}
    weighted = [weights[name] * loss for name, loss in terms.items()]
    return {"loss": reduce(torch.add, weighted), **terms}
