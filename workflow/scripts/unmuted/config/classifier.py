"""The action classifier, the same in every arm."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from unmuted.config.fields import Count, Section
from unmuted.config.training import (
    AdamWRate,
    BatchSize,
    Dropout,
    Epochs,
    Units,
    WeightDecay,
    check_snapshots,
)


class ClassifierSettings(Section):
    """The classifier's network and training."""

    hidden: Units = 64
    dropout: Dropout = 0.3
    epochs: Epochs = 40
    snapshots: Count = Field(
        4, description="evenly spaced checkpoints, one chosen on the validation split"
    )
    batch_size: BatchSize = 64
    learning_rate: AdamWRate = 0.002
    weight_decay: WeightDecay = 0.01

    @model_validator(mode="after")
    def _keeps_at_most_one_an_epoch(self) -> Self:
        check_snapshots(self.snapshots, self.epochs)
        return self
