"""The arms of audio-visual segmentation: what each is trained on, and what it is compared with.

Imported by the declaration of the stages, so free of torch and numpy.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

Audio = Literal["real", "none", "shuffled", "generated", "class"]

CONDITIONS = ("own", "silence", "noise", "swapped", "mean", "knn", "generated")
# The sound of another clip with the same pictures; only where the dataset has such clips.
OTHER = "other"
# What these give to the network is a function of the picture, or constant.
PICTURE_ONLY = ("mean", "knn", "generated")
NEED_FITS = ("knn", "generated")  # of the run itself, which ready networks come without


@dataclass(frozen=True)
class SegmentationArm:
    """A network that is trained, of every seed.

    name: of the arm. audio: what it is trained on. meaning: in words. masks: the truth, or filled
    boxes around it. crop_losses: names of the losses on crops of the sounding objects. separate:
    whether these are computed by a second network, as the source does. other_fusion: whether the
    audio enters by the fusion that is not configured. trains_encoder: whether the last stage of the
    encoder is trained, too. negatives: whether it is trained on seconds whose truth is empty.
    """

    name: str
    audio: Audio
    meaning: str
    masks: Literal["truth", "boxes"] = "truth"
    crop_losses: tuple[str, ...] = ()
    separate: bool = False
    other_fusion: bool = False
    trains_encoder: bool = False
    negatives: bool = True

    @property
    def reads_audio(self) -> bool:
        """Whether its masks can depend on the sound."""
        return self.audio != "none"

    @property
    def trains_on_boxes(self) -> bool:
        """Whether boxes around what sounds are read in training."""
        return bool(self.crop_losses) or self.masks == "boxes"

    @property
    def is_oracle(self) -> bool:
        """Whether it is told the class of the sound, which no system knows."""
        return self.audio == "class"

    @property
    def reads_only_picture(self) -> bool:
        """Whether its masks are a function of the picture under its own condition."""
        return self.audio in ("none", "generated")


CROSS_ENTROPY, DISTANCE, COSINE = "crop_cross_entropy", "crop_distance", "crop_cosine"
CROP_LOSSES = (CROSS_ENTROPY, DISTANCE, COSINE)
REAL, VIDEO_ONLY, SHUFFLED = "real_audio", "video_only", "shuffled_audio"
GENERATED, ORACLE = "generated_audio", "told_class"
PRIMARY = (REAL, VIDEO_ONLY)


def _arm(name: str, audio: Audio, meaning: str) -> SegmentationArm:
    return SegmentationArm(name, audio, meaning)


MAIN = (
    _arm(REAL, "real", "trained and tested on real sound"),
    _arm(VIDEO_ONLY, "none", "the same network; the audio is 0 in training and test"),
    _arm(SHUFFLED, "shuffled", "trained on the sound of other training clips"),
    _arm(GENERATED, "generated", "trained and tested on sound generated from the pictures"),
)
# Each differs from `encoder_trained` in what its name says, as that differs from `real_audio`.
BASE = "encoder_trained"
ABLATIONS = (
    SegmentationArm("other_fusion", "real", "the fusion that is not configured", other_fusion=True),
    SegmentationArm("no_negatives", "real", "no empty truth in training", negatives=False),
    SegmentationArm(BASE, "real", "the encoder's last stage is trained, too", trains_encoder=True),
    *(
        SegmentationArm(
            f"with_{loss}", "real", f"{BASE} and {loss}", crop_losses=(loss,), trains_encoder=True
        )
        for loss in CROP_LOSSES
    ),
    SegmentationArm(
        "with_crop_losses",
        "real",
        f"{BASE} and the three crop losses",
        crop_losses=CROP_LOSSES,
        trains_encoder=True,
    ),
    SegmentationArm(
        "boxes_as_masks",
        "real",
        f"{BASE}, and boxes in place of masks",
        masks="boxes",
        trains_encoder=True,
    ),
    SegmentationArm(
        "separate_crop_network",
        "real",
        f"{BASE} beside the source's second network: its weights are those of {BASE}",
        crop_losses=CROP_LOSSES,
        separate=True,
        trains_encoder=True,
    ),
)
ORACLES = (_arm(ORACLE, "class", "the class of the sound in place of the sound"),)
ARMS = {arm.name: arm for arm in (*MAIN, *ABLATIONS, *ORACLES)}
# With what an ablation is compared; with `real_audio` where it is not named.
COMPARED_WITH = {arm.name: BASE for arm in ABLATIONS if arm.trains_encoder and arm.name != BASE}
COMPARED_WITH |= dict.fromkeys(("other_fusion", "no_negatives", BASE), REAL)


def conditions_of(arm: SegmentationArm, available: Collection[str]) -> tuple[str, ...]:
    """Return the conditions that an arm is tested in, among those that there are.

    An arm that reads no audio has the same masks in all of them.
    """
    if not arm.reads_audio or arm.is_oracle:
        return ("own",)
    if arm.audio == "generated":
        return tuple(name for name in ("own", "silence", "mean") if name in available)
    return tuple(name for name in (*CONDITIONS, OTHER) if name in available)


def tested_conditions(conditions: Collection[str], has_fits: bool) -> tuple[str, ...]:
    """Return the conditions of a run, less those that need fits where it has none."""
    return tuple(name for name in conditions if has_fits or name not in NEED_FITS)


def needs_generator(names: Sequence[str], conditions: Collection[str]) -> bool:
    """Return whether generated audio is needed for these arms or conditions."""
    return "generated" in conditions or any(ARMS[name].audio == "generated" for name in names)
