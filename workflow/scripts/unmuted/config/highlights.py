"""The spotting of highlights in matches: networks, sampling, arms and missing sound."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unmuted.config.fields import (
    Count,
    Distinct,
    LayerUnits,
    Line,
    NotNegative,
    Positive,
    Section,
    Seed,
    Share,
    TwoOrMore,
)
from unmuted.config.reel import ReelSection
from unmuted.config.training import AdamWRate, BatchSize, Dropout, Epochs, WeightDecay

SpottingArm = Literal[
    "video_only",
    "audio_only",
    "both",
    "mean_audio",
    "knn_audio",
    "generated_audio",
    "swapped_audio",
]
MissingSound = Literal["no_stream", "silence", "noise", "swapped"]
SPOTTING_ARMS: tuple[SpottingArm, ...] = SpottingArm.__args__  # type: ignore[attr-defined]


class SpotterSettings(Section):
    """The spotter's network and training."""

    hidden: Annotated[LayerUnits, Field(description="units of each bidirectional GRU")] = 64
    width: Annotated[
        LayerUnits, Field(description="numbers to which the features of a step are reduced")
    ] = 64
    dropout: Dropout = 0.2
    epochs: Epochs = 30
    snapshots: Count = Field(
        6, description="evenly spaced checkpoints, one chosen on the validation matches"
    )
    batch_size: BatchSize = 32
    learning_rate: AdamWRate = 0.005
    weight_decay: WeightDecay = 0.01

    @model_validator(mode="after")
    def _keeps_at_most_one_an_epoch(self) -> Self:
        if self.snapshots > self.epochs:
            raise ValueError(
                f"{self.snapshots} snapshots of {self.epochs} epochs; at most one an epoch"
            )
        return self


class SpotterSection(SpotterSettings):
    """The spotter: its network and training, or one that was trained before."""

    path: Line | None = Field(
        None,
        description="folder of a trained spotter (config.json, model.safetensors); null: train one "
        "on the matches of this run. It must have been trained on features of the same backbone "
        "and the same grid of steps",
    )


class SamplingSettings(Section):
    """What a spotter is trained on: sequences of steps, and their targets."""

    seconds: Positive = Field(20, description="length of a training sequence")
    radius: Positive = Field(
        1.0, description="seconds around an event in which the target of its kind is 1"
    )
    guard: Positive = Field(
        5.0,
        description="seconds around an event outside of which steps are background; between "
        "radius and guard, a step has no part in the loss",
    )
    windows: Literal["steps", "source"] = Field(
        "steps",
        description="steps: a target for every step. source: one label for 15 s, from 10 s before "
        "an event to 5 s after it, as in the source document (seed mode)",
    )
    negatives: Literal["guarded", "other_events"] = Field(
        "guarded",
        description="guarded: half at other labelled events and replays, half anywhere, all of "
        "them farther than `guard` from every highlight. other_events: windows around other "
        "labelled events, as in the source document, which may hold a goal (seed mode)",
    )

    @model_validator(mode="after")
    def _guards_beyond_the_radius(self) -> Self:
        if self.guard < self.radius:
            raise ValueError(f"guard {self.guard} is smaller than radius {self.radius}")
        return self


class StretchSettings(Section):
    """How a recording is scored: in overlapping stretches, of which the middle is kept."""

    stretch: Positive = Field(60, description="seconds that the network reads at once")
    margin: Positive = Field(
        20,
        description="seconds at either side of a stretch that another stretch gives: as long as "
        "what the network was trained on, beyond which it remembers next to nothing",
    )

    @model_validator(mode="after")
    def _keeps_a_middle(self) -> Self:
        if 2 * self.margin >= self.stretch:
            raise ValueError(f"margins of {self.margin} s leave nothing of {self.stretch} s")
        return self


class NeighbourSettings(Section):
    """Sound that is looked up by the picture: steps of other matches that look alike."""

    k: Count = Field(8, description="steps of training matches whose sound is averaged")
    seconds: NotNegative = Field(
        2.0, description="length of the picture around a step that is compared"
    )
    bank: Count = Field(20_000, description="steps of training matches that are looked up, at most")


class LostSoundSettings(Section):
    """Sound of test matches that is declared missing, to measure what that costs."""

    rates: TwoOrMore[Share] = Field(
        (0, 0.25, 0.5, 0.75, 1), description="shares of the test matches without their sound"
    )
    kinds: Distinct[MissingSound] = Field(
        ("no_stream", "silence", "noise", "swapped"),
        description="how whole recordings lose it; of noise and swapped sound no arm is told",
    )
    dropout: TwoOrMore[Positive] = Field(
        (30, 300), description="seconds that a lost stretch of a recording lasts, from and to"
    )
    training_share: Share = Field(
        0.5,
        description="share of the training sequences in which an arm with imputed sound reads it",
    )
    seed: Seed = Field(0, description="seed of what goes missing")


class HighlightSection(Section):
    """Spotting highlights in matches."""

    method: Literal["spotter", "loudness"] = Field(
        "spotter",
        description="spotter: trained on labelled matches, or in `spotter.path`. loudness: where a "
        "match is loud, without training and without labels",
    )
    arms: Distinct[SpottingArm] = Field(SPOTTING_ARMS, description="arms that are trained")
    arm: SpottingArm = Field(
        "both", description="the arm that finds the highlights of tables and reels"
    )
    spotter: SpotterSection = Field(default_factory=SpotterSection)
    sampling: SamplingSettings = Field(default_factory=SamplingSettings)
    inference: StretchSettings = Field(default_factory=StretchSettings)
    nms_windows: Distinct[Positive] = Field(
        (1, 2, 3, 5, 8, 12, 20, 30),
        description="seconds in which only the best spot of a kind is kept; one is chosen for each "
        "kind on validation matches",
    )
    generator_seconds: Positive = Field(
        10, description="length of the windows from which missing sound is generated"
    )
    neighbours: NeighbourSettings = Field(default_factory=NeighbourSettings)
    lost_sound: LostSoundSettings = Field(default_factory=LostSoundSettings)
    reel: ReelSection = Field(default_factory=ReelSection)
    sound_scale: Literal["decibels", "source"] = Field(
        "decibels",
        description="source: scaled over the wrong axis as in the source repository, which makes "
        "all of it zeros (seed mode)",
    )
    split_by_clip: bool = Field(
        False,
        description="train on windows of all matches, those of test matches too, as the source "
        "does (seed mode; reports mark every arm with `leaks`)",
    )

    @model_validator(mode="after")
    def _finds_highlights_with_an_arm_that_there_is(self) -> Self:
        if self.arm not in self.arms:
            raise ValueError(f"arm {self.arm} is not among the arms {', '.join(self.arms)}")
        return self
