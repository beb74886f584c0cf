"""The generators of audio features, and retrieval, which takes their place in one arm."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmuted.config.fields import (
    MOST_UNITS,
    Cosine,
    Count,
    Distinct,
    LayerUnits,
    NotNegative,
    Positive,
    Section,
)
from unmuted.config.training import AdamWRate, BatchSize, Dropout, Steps, Units, WeightDecay


class PrototypeSettings(Section):
    """The audio features that a label has on average."""

    min_weight: Positive = Field(
        1.0, description="summed AST score below which a label counts as never heard"
    )


class GeneratorTraining(Section):
    """What the generators have in common: how they read the video, and how they are trained."""

    architecture: Literal["bidirectional", "lstm"] = Field(
        "bidirectional",
        description="bidirectional: every time step sees the whole clip; lstm: the source "
        "documents' LSTM, which must predict a sound before it sees the hit, without bottleneck "
        "and noise on its inputs",
    )
    hidden: Units = 64
    bottleneck: LayerUnits = Field(
        64, description="numbers to which a bidirectional generator reduces the visual features"
    )
    input_noise: NotNegative = Field(
        0.5,
        description="standard deviation of the noise that training adds to the standardised visual "
        "features of a bidirectional generator, at each time step",
    )
    clip_noise: NotNegative = Field(
        1.5,
        description="the same of noise that stays for the whole clip: without it a generator "
        "learns by heart which place had which sound, before it learns when a sound comes",
    )
    dropout: Dropout = 0.2
    time_weight: NotNegative = Field(
        0.0,
        description="further weight of the squared error of how a clip's sound changes over time: "
        "when a sound comes is seen, and is learnt later than what sounds where",
    )
    steps: Steps = 400
    validate_every: Count = Field(
        20,
        description="optimiser steps between two checkpoints; the one of highest R2 on validation "
        "clips with usable sound is kept, the last one where there is no such clip",
    )
    batch_size: BatchSize = 32
    learning_rate: AdamWRate = 0.005
    weight_decay: WeightDecay = 0.01


class GeneratorSettings(GeneratorTraining):
    """Architecture 2's generator: its network and training."""

    noise_dim: int = Field(2, ge=0, le=MOST_UNITS, description="size of the noise input")
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
    attention_weight: NotNegative = Field(
        0.3,
        description="weight of the divergence of a caption's attention from the labels that AST "
        "hears in the training clip",
    )
    adapter_penalty: NotNegative = Field(
        0.1, description="weight of the squared distance by which the text adapter moves embeddings"
    )
    encoder_learning_rate: Positive = Field(  # low: pretrained weights are tuned, not learnt afresh
        0.00005,
        description="learning rate of the sentence encoder where text_adapter is full",
    )


class GeneratorSection(GeneratorSettings):
    """Architecture 2's generator."""

    draws: int = Field(
        4, ge=1, le=1_000, description="noise draws averaged into the generated feature"
    )
    serve: Literal["fold_average", "full"] = Field(
        "fold_average",
        description="what generates the audio of clips that no fit reads, with every generator: "
        "the average of the fold models, or one model fitted on all clips that fits may read",
    )


class VideoGeneratorSettings(GeneratorTraining):
    """Architecture 1's generator, from video alone."""


class RidgeSettings(Section):
    """The linear regression of audio on the picture that generated audio is compared with."""

    penalties: Distinct[Positive] = Field(
        (0.01, 0.1, 1.0, 10.0),
        description="weights of the squared coefficients; one is chosen on validation clips",
    )


class RetrievalSettings(Section):
    """The arm that retrieves audio instead of generating it."""

    k: Count = Field(5, description="training clips whose sound is averaged")
