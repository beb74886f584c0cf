"""The CNN-RNN recogniser, as in the Keras example."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmuted.config.fields import (
    MOST_EPOCHS,
    MOST_PIXELS,
    MOST_STEPS,
    LayerUnits,
    Positive,
    ProperShare,
    Section,
    Several,
    ShareBelowOne,
)
from unmuted.config.training import BatchSize


class CnnRnnSettings(Section):
    """The recogniser's network and training."""

    gru_units: Several[LayerUnits] = Field(
        (16, 8), description="units of each GRU, one after the other"
    )
    dense_units: LayerUnits = Field(8, description="units of the ReLU layer before the classes")
    dropout: ShareBelowOne = Field(
        0.4, description="share of the last GRU's units that training drops"
    )
    epochs: int = Field(
        10,
        ge=1,
        le=MOST_EPOCHS,
        description="a fixed number of epochs; the checkpoint of each is kept, one chosen on the "
        "validation split",
    )
    batch_size: BatchSize = 32  # Keras' own: the source document sets one of 64, never passed on
    learning_rate: Positive = Field(0.001, description="learning rate of Adam, constant")


class CnnRnnSection(CnnRnnSettings):
    """The CNN-RNN recogniser, as in the Keras example."""

    sequence_length: int = Field(
        20,
        ge=1,
        le=MOST_STEPS,
        description="frames of a clip; shorter clips are padded, and the padding masked",
    )
    sampling: Literal["first", "even"] = Field(
        "first",
        description="first: the clip's first frames, as in the source document, less than a second "
        "of most clips; even: spread over the whole clip",
    )
    image_size: int = Field(
        224,
        ge=32,
        le=MOST_PIXELS,
        description="pixels of the side of the centre square that the CNN sees",
    )
    split: Literal["groups", "sorted_tail"] = Field(
        "groups",
        description="groups: the splits of all systems, stratified and by source group. "
        "sorted_tail: validation clips are the tail of train and val sorted by class, as in the "
        "source document, which starves the last classes (seed mode)",
    )
    tail_share: ProperShare = Field(0.3, description="share of the clips that are in that tail")
