"""The hyper-parameters that several networks have, each with its own default."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unmuted.config.fields import (
    MOST_EPOCHS,
    MOST_IN_A_BATCH,
    LayerUnits,
    NotNegative,
    Positive,
    ShareBelowOne,
)

Units = Annotated[LayerUnits, Field(description="units of the LSTM")]
Dropout = Annotated[ShareBelowOne, Field(description="share of the units that training drops")]
Epochs = Annotated[
    int,
    Field(ge=1, le=MOST_EPOCHS, description="a fixed number of epochs; nothing stops early"),
]
BatchSize = Annotated[int, Field(ge=1, le=MOST_IN_A_BATCH, description="clips of a training step")]
AdamWRate = Annotated[
    Positive, Field(description="learning rate of AdamW at the start; a cosine takes it to 0")
]
WeightDecay = Annotated[NotNegative, Field(description="weight decay of AdamW")]


def check_snapshots(snapshots: int, epochs: int) -> None:
    """Raise ValueError where there are more checkpoints than epochs."""
    if snapshots > epochs:
        raise ValueError(f"{snapshots} snapshots of {epochs} epochs; at most one an epoch")
