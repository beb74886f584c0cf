"""The pilot, a classifier and a generator of audio that share one LSTM."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from unmuted.config.fields import Count, Distinct, Positive, Section, check_names
from unmuted.config.training import (
    AdamWRate,
    BatchSize,
    Dropout,
    Epochs,
    Units,
    WeightDecay,
    check_snapshots,
)


class PilotSettings(Section):
    """The pilot's network and training."""

    hidden: Units = 64
    dropout: Dropout = 0.3
    epochs: Epochs = 40
    snapshots: Count = Field(
        4,
        description="evenly spaced checkpoints of the classification, one chosen on the validation "
        "split",
    )
    batch_size: BatchSize = 64
    learning_rate: AdamWRate = 0.002
    weight_decay: WeightDecay = 0.01

    @model_validator(mode="after")
    def _keeps_at_most_one_an_epoch(self) -> Self:
        check_snapshots(self.snapshots, self.epochs)
        return self


class PilotSection(PilotSettings):
    """The pilot, a classifier and a generator of audio that share one LSTM."""

    lambdas: Distinct[Positive] = Field(
        (0.1, 1, 10),
        description="weights of the generation's error relative to the classification's; one is "
        "chosen on validation clips",
    )

    @model_validator(mode="after")
    def _names_each_weight(self) -> Self:
        check_names("lambdas", self.lambdas)
        return self
