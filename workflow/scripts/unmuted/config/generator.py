"""The generators of audio features, and retrieval, which takes their place in one arm."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmuted.config.fields import MOST_UNITS, Cosine, Count, LayerUnits, Positive, Section
from unmuted.config.training import AdamWRate, BatchSize, Dropout, Epochs, Units, WeightDecay


class PrototypeSettings(Section):
    """The audio features that a label has on average."""

    min_weight: Positive = Field(
        1.0, description="summed AST score below which a label counts as never heard"
    )


class GeneratorSettings(Section):
    """Architecture 2's generator: its network and training."""

    hidden: Units = 64
    noise_dim: int = Field(8, ge=0, le=MOST_UNITS, description="size of the noise input")
    adapter_dim: LayerUnits = Field(32, description="inner size of the text adapter")
    text_adapter: Literal["adapter", "frozen", "full"] = Field(
        "adapter",
        description="train a residual adapter on the sentence encoder; leave it as it is; or train "
        "all of it on the captions (its weights are saved with every generator)",
    )
    anchoring: bool = Field(
        True,
        description="label features enter at the representative frames and decay to their "
        "neighbours",
    )
    tau: Positive = Field(
        3.0, description="time steps in which an anchored label feature decays by e"
    )
    temperature: Positive = Field(  # small: cosines of sentences differ by tenths
        0.05, description="temperature of the soft attention over labels"
    )
    nearest_labels: Count | None = Field(
        None,
        description="a caption attends to this many labels of highest similarity; null: to all",
    )
    min_similarity: Cosine | None = Field(
        None,
        description="labels whose cosine to a caption is lower get no weight, and a caption "
        "without any says nothing; null: no limit",
    )
    dropout: Dropout = 0.2
    epochs: Epochs = 40
    batch_size: BatchSize = 64
    learning_rate: AdamWRate = 0.003
    encoder_learning_rate: Positive = Field(  # low: pretrained weights are tuned, not learnt afresh
        0.00005,
        description="learning rate of the sentence encoder where text_adapter is full",
    )
    weight_decay: WeightDecay = 0.01


class GeneratorSection(GeneratorSettings):
    """Architecture 2's generator."""

    draws: int = Field(
        4, ge=1, le=1_000, description="noise draws averaged into the generated feature"
    )


class VideoGeneratorSettings(Section):
    """Architecture 1's generator, from video alone."""

    hidden: Units = 64
    dropout: Dropout = 0.2
    epochs: Epochs = 40
    batch_size: BatchSize = 64
    learning_rate: AdamWRate = 0.003
    weight_decay: WeightDecay = 0.01


class RetrievalSettings(Section):
    """The arm that retrieves audio instead of generating it."""

    k: Count = Field(5, description="training clips whose sound is averaged")
