"""The hyper-parameters that several networks have, each with its own default."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from unmuted.config.fields import (
    MOST_EPOCHS,
    MOST_IN_A_BATCH,
    MOST_TRAINING_STEPS,
    Count,
    LayerUnits,
    NotNegative,
    Positive,
    Section,
    ShareBelowOne,
)

Units = Annotated[LayerUnits, Field(description="units of the LSTM")]
Dropout = Annotated[ShareBelowOne, Field(description="share of the units that training drops")]
Epochs = Annotated[
    int,
    Field(ge=1, le=MOST_EPOCHS, description="a fixed number of epochs; nothing stops early"),
]
Steps = Annotated[
    int, Field(ge=1, le=MOST_TRAINING_STEPS, description="optimiser steps of a training")
]
BatchSize = Annotated[int, Field(ge=1, le=MOST_IN_A_BATCH, description="clips of a training step")]
AdamWRate = Annotated[
    Positive, Field(description="learning rate of AdamW at the start; a cosine takes it to 0")
]
WeightDecay = Annotated[NotNegative, Field(description="weight decay of AdamW")]


class LstmClassifierSettings(Section):
    """An LSTM that classifies clips, and its training."""

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
        if self.snapshots > self.epochs:
            raise ValueError(
                f"{self.snapshots} snapshots of {self.epochs} epochs; at most one an epoch"
            )
        return self
