"""Which clips are learnt from and tested, and how what is measured is summed up."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from unmuted.config.fields import (
    MOST,
    Count,
    Distinct,
    ProperShare,
    Section,
    Seed,
    Share,
    ShareBelowOne,
    TwoOrMore,
)


class SplitSettings(Section):
    """Used where the manifest has no split column. Made once, kept when videos are added."""

    train: ProperShare = Field(0.6, description="share of the training split")
    val: ProperShare = Field(
        0.2, description="share of the validation split; the rest is the test split"
    )
    seed: Seed = Field(0, description="seed of the order in which groups are dealt out")

    @model_validator(mode="after")
    def _leave_a_test_split(self) -> Self:
        if self.train + self.val >= 1:
            raise ValueError(
                "train and val leave nothing for the test split (their sum must be below 1)"
            )
        return self


class FitSettings(Section):
    """Which clips fits may learn from."""

    unlabelled: bool = Field(
        False,
        description="projection, prototypes, generators and retrieval learn from the sound of "
        "clips without label too (those of no other split than train); classifiers never do",
    )


class MissingSettings(Section):
    """Audio that is declared missing, to measure what that costs."""

    training_rate: ShareBelowOne = Field(
        0, description="share of the training clips whose audio nothing reads"
    )
    training_rates: Distinct[ShareBelowOne] = Field(
        (0, 0.5), description="training rates that results/comparison.json compares"
    )
    test_rates: TwoOrMore[Share] = Field(
        (0, 0.25, 0.5, 0.75, 1),
        description="shares of the test clips without their sound",
    )
    kinds: Distinct[Literal["no_stream", "silence", "noise", "swapped"]] = Field(
        ("no_stream", "silence", "noise", "swapped"), description="how it is missing"
    )
    seed: Seed = Field(0, description="seed of the nested masks")


class PredictionSettings(Section):
    """The predictions of every video."""

    top_k: Count = Field(5, description="labels of each video in results/predictions.csv")


class EvaluationSettings(Section):
    """How what is measured is judged."""

    equivalence_margin: ProperShare = Field(
        0.05,
        description="accuracy by which an arm that must not win may at most be better: a control "
        "whose whole interval lies below it is ok",
    )


class BootstrapSettings(Section):
    """The intervals."""

    resamples: int = Field(
        10000, ge=100, le=MOST, description="draws of source groups behind every interval"
    )
    seed: Seed = Field(0, description="seed of these draws")
