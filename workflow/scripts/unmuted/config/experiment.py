"""Which clips are learnt from and tested, and how what is measured is summed up."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unmuted.config.fields import (
    MOST,
    Cosine,
    Count,
    Decibels,
    Distinct,
    ProperShare,
    Section,
    Seed,
    Share,
    ShareBelowOne,
    TwoOrMore,
)

MOST_OUTER_FOLDS = 100
OuterFolds = Annotated[int, Field(ge=2, le=MOST_OUTER_FOLDS)]
FoldNumber = Annotated[int, Field(ge=0, lt=MOST_OUTER_FOLDS)]


class SplitSettings(Section):
    """Used where the manifest has no split column. Made once, kept when videos are added."""

    train: ProperShare = Field(0.6, description="share of the training split")
    val: ProperShare = Field(
        0.2, description="share of the validation split; the rest is the test split"
    )
    seed: Seed = Field(0, description="seed of the order in which groups are dealt out")

    duplicate_cosine: Cosine = Field(
        0.97,
        description="cosine of the mean RGB features of two clips, centred on the training mean, "
        "from which reports warn of near duplicates between the training split and the others",
    )

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
        description="shares of the test clips without their sound for which reports give the "
        "expected accuracy",
    )
    kinds: Distinct[Literal["no_stream", "silence", "noise", "swapped"]] = Field(
        ("no_stream", "silence", "noise", "swapped"),
        description="how it is missing; noise: in place of the sound, and as loud as it",
    )
    lost_shares: Distinct[Share] = Field(
        (0, 0.25, 0.5, 0.75, 1),
        description="severity: shares of the seconds of every test clip that are lost, in one "
        "stretch whose place comes from a hash of the sound",
    )
    snr_db: Distinct[Decibels] = Field(
        (20, 10, 0, -10),
        description="severity: white noise on the sound of every test clip, at these ratios (dB) "
        "of the clip's own level to the noise's",
    )
    seed: Seed = Field(
        0, description="seed of the nested masks of training clips, of noise and of lost stretches"
    )


class EvaluationSettings(Section):
    """How what is measured is judged, and on which clips."""

    equivalence_margin: ProperShare = Field(
        0.05,
        description="accuracy by which an arm that must not win may at most be better: a control "
        "whose whole interval lies below it is ok",
    )
    outer_folds: OuterFolds | None = Field(
        None,
        description="outer folds, by source group: results/comparison.json then also compares the "
        "arms on all labelled clips, each tested once by models of the other folds. This costs one "
        "run of everything that is fitted for each fold; splits of a manifest play no part in it",
    )
    outer_fold: FoldNumber | None = Field(
        None,
        description="the outer fold that is tested, from 0; scenarios of the run set it, and no "
        "configuration does",
    )

    @model_validator(mode="after")
    def _names_a_fold_that_there_is(self) -> Self:
        if self.outer_fold is not None and self.outer_fold >= (self.outer_folds or 0):
            raise ValueError(
                f"outer_fold is {self.outer_fold}, expected less than outer_folds "
                f"({self.outer_folds})"
            )
        return self


class PredictionSettings(Section):
    """The predictions of every video."""

    top_k: Count = Field(5, description="labels of each video in results/predictions.csv")


class BootstrapSettings(Section):
    """The intervals."""

    resamples: int = Field(
        10000, ge=100, le=MOST, description="draws of source groups behind every interval"
    )
    seed: Seed = Field(0, description="seed of these draws")
