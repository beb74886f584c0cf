"""The section `avs`, as far as it concerns the network, its training and its tests."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unmuted.config.fields import (
    Count,
    Distinct,
    LayerUnits,
    NotNegative,
    Positive,
    Section,
    Several,
    Share,
    Text,
)
from unmuted.config.segmentation import AvsSettings
from unmuted.config.training import Epochs, WeightDecay

Fusion = Literal["tpavi", "gate"]
ArmName = Literal[
    "real_audio",
    "video_only",
    "shuffled_audio",
    "generated_audio",
    "other_fusion",
    "no_negatives",
    "encoder_trained",
    "with_crop_cross_entropy",
    "with_crop_distance",
    "with_crop_cosine",
    "with_crop_losses",
    "boxes_as_masks",
    "separate_crop_network",
    "told_class",
]
ConditionName = Literal["own", "silence", "noise", "swapped", "mean", "knn", "generated"]


class AvsNetworkSettings(Section):
    """The network after the encoder."""

    width: LayerUnits = Field(32, description="channels of all maps; 256 in the paper")
    decoder: Literal["refine", "top_down"] = Field(
        "top_down", description="`refine` is the paper's; `top_down` is small"
    )
    dilations: Several[Count] = Field(
        (1,), description="of the convolutions to that width; [3, 6, 12, 18] in the paper"
    )
    fused: Several[Annotated[int, Field(ge=0, le=3)]] = Field(
        (1, 2, 3), description="maps that the audio enters, 0 is the finest; all in the paper"
    )
    finest: Annotated[int, Field(ge=0, le=3)] = Field(
        0,
        description="first map that is read, 0 is the encoder's finest, which costs most of a "
        "training; without it, masks have coarser edges; 0 in the paper",
    )

    @model_validator(mode="after")
    def _fuses_maps_that_are_read(self) -> Self:
        if min(self.fused) < self.finest:
            raise ValueError(
                f"fused has map {min(self.fused)}, but the finest map that is read is "
                f"{self.finest}: fuse no finer maps"
            )
        return self


class AvsTrainingSettings(Section):
    """How the network is trained."""

    epochs: Epochs = 20
    snapshots: Count = Field(
        4, description="evenly spaced checkpoints, one chosen on the validation split"
    )
    batch_size: Count = Field(16, description="clips of a training step")
    seconds: Count = Field(3, description="of each clip that are drawn in an epoch")
    learning_rate: Positive = Field(0.003, description="highest rate of AdamW's one cycle")
    weight_decay: WeightDecay = 0.01
    trained_stages: Annotated[int, Field(ge=0, le=4)] = Field(
        0, description="last stages of the encoder that are trained; 4 in the paper"
    )

    @model_validator(mode="after")
    def _keeps_at_most_one_an_epoch(self) -> Self:
        if self.snapshots > self.epochs:
            raise ValueError(
                f"{self.snapshots} snapshots of {self.epochs} epochs; at most one an epoch"
            )
        return self


class NegativeSettings(Section):
    """Training seconds in which nothing in the picture sounds."""

    recorded: bool = Field(True, description="whether seconds with an empty truth are trained on")
    silent: Share = Field(
        0, description="share of drawn clips that get digital silence and an empty truth"
    )
    swapped: Share = Field(
        0,
        description="share of drawn clips that get the sound of another class and an empty truth; "
        "wrong where a silent object in the picture is of that class",
    )


class CropLossSettings(Section):
    """Losses on crops of what sounds, see `systems/segmentation/crop_losses.py`."""

    crop_cross_entropy: NotNegative = Field(1, description="weight of the class of a crop")
    crop_distance: NotNegative = Field(1, description="weight of the distance between crops")
    crop_cosine: NotNegative = Field(1, description="weight of the cosine between crop and audio")
    dim: LayerUnits = Field(32, description="dimensions of the space of crops and audio")


class AvsMatchingSettings(Section):
    """The loss between the audio of a frame and what its mask marks, of the paper's MS3."""

    loss: Literal["none", "kl", "euclidean"] = Field(
        "none",
        description="`kl` is the paper's, summed over the frames of a batch; `euclidean` its "
        "variant; both need `fusion: tpavi`, which brings the audio to the maps' width",
    )
    weight: NotNegative = Field(0.5, description="of this loss; 0.5 in the paper")


class AvsSection(AvsSettings):
    """Audio-visual segmentation: masks of what sounds, one for every second of a video."""

    checkpoint: Text | None = Field(
        None,
        description="folder of networks that another run has trained (its results/avs_model); "
        "null: they are trained on this run's videos with masks",
    )
    arm: ArmName = Field("real_audio", description="the networks that mark the users' videos")
    fusion: Fusion = Field(
        "gate",
        description="how audio enters the maps: `tpavi` as in the paper, or a scale and a shift of "
        "each channel; the arm `other_fusion` compares them on validation",
    )
    silence: Literal["rule", "model"] = Field(
        "rule",
        description="rule: nothing is marked in seconds below wav.silence_db; model: the network "
        "decides. Metrics are always of the network without the rule",
    )
    fill_missing: Literal["none", "generated"] = Field(
        "none",
        description="generated: videos without a sound stream are marked by sound that is "
        "generated from the picture, and the masks are called hypothetical",
    )
    network: AvsNetworkSettings = Field(default_factory=AvsNetworkSettings)
    training: AvsTrainingSettings = Field(default_factory=AvsTrainingSettings)
    negatives: NegativeSettings = Field(default_factory=NegativeSettings)
    crop_losses: CropLossSettings = Field(default_factory=CropLossSettings)
    matching: AvsMatchingSettings = Field(default_factory=AvsMatchingSettings)
    arms: Distinct[ArmName] = Field(
        ("real_audio", "video_only", "shuffled_audio"),
        description="networks that are trained, see `systems/segmentation/arms.py`",
    )
    conditions: Distinct[ConditionName] = Field(
        ("own", "silence", "noise", "swapped", "mean", "knn"),
        description="sounds that the trained networks are tested with",
    )
    neighbours: Count = Field(5, description="of the condition `knn`")
    threshold_slack: Share = Field(
        0.01,
        description="IoU that a threshold may lose on validation videos to leave more seconds "
        "empty in which nothing in the picture sounds",
    )

    @model_validator(mode="after")
    def _marks_with_what_is_trained(self) -> Self:
        if self.checkpoint is None and self.arm not in self.arms:
            raise ValueError(f"arm {self.arm} is not among the arms {', '.join(self.arms)}")
        if "own" not in self.conditions:
            raise ValueError("conditions: `own` is missing, with which all others are compared")
        if self.matching.loss != "none" and self.fusion != "tpavi":
            raise ValueError(
                f"matching.loss {self.matching.loss} compares the audio that TPAVI brings to the "
                f"maps' width, but fusion is {self.fusion}: set fusion to tpavi, or loss to none"
            )
        if self.checkpoint is not None and self.fill_missing != "none":
            raise ValueError(
                "fill_missing needs generators, which only a run has that trains its networks: "
                "set checkpoint to null"
            )
        return self
