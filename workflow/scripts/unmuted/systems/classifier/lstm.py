"""The action classifier, the same in every arm except for the width of its input."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from unmuted.training.standardize import Standardize


@dataclass(frozen=True)
class ClassifierConfig:
    """Sizes of the network; all of it is saved with the weights."""

    features: int  # F: Dv of the video, or Dv + A with audio
    classes: int  # C
    hidden: int
    dropout: float


class Classifier(nn.Module):
    """LSTM over the time steps; its last hidden state, dropout, linear to logits."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.standardize = Standardize(config.features)
        self.lstm = nn.LSTM(config.features, config.hidden, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden, config.classes)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, F)
        """Compute the logits (B, C) of clips."""
        _, (h, _) = self.lstm(self.standardize(x))  # (1, B, H)
        return self.head(self.dropout(h[-1]))  # (B, C)
