"""The action classifier, the same in every arm, and what a student of it learns from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmuted.config.fields import Positive, Section, Share
from unmuted.config.training import LstmClassifierSettings


class ClassifierSettings(LstmClassifierSettings):
    """The classifier's network and training."""

    fusion: Literal["gate", "concatenate"] = Field(
        "gate",
        description="gate: a projection of each modality, and a gate that scales the audio of each "
        "step, so that the classifier can ignore it; concatenate: video and audio side by side",
    )


class DistillationSettings(Section):
    """How the arm `distilled` learns from the classifier with real audio."""

    temperature: Positive = Field(
        2.0, description="both softmax distributions are softened by this temperature"
    )
    weight: Share = Field(
        0.5, description="share of the teacher's term in the loss; the rest is the cross-entropy"
    )
