"""The arms that are compared, and Architecture 1's filter, which makes some of them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import MISSING, Field, model_validator

from unmuted.config.features import LABELS
from unmuted.config.fields import Cosine, Distinct, Line, Percentile, Section, check_names


class FilterSettings(Section):
    """Architecture 1's Feature Filter."""

    mode: Literal["percentile", "uniform"] = Field(
        "percentile",
        description="percentile: a share of the validation clips, chosen on them; uniform: the "
        "source's fixed similarity, with the TRUE labels of test clips, a leak (seed mode; only "
        "the arm oracle_filter then means anything)",
    )
    percentiles: Distinct[Percentile] = Field(
        (25, 50, 75),
        description="percentages of clips whose generated audio is rejected; one is chosen on "
        "validation clips",
    )
    uniform_threshold: Cosine = Field(
        0.72,
        description="cosine from which mode uniform keeps a clip's generated audio",
    )
    top_labels: int = Field(
        5, ge=1, le=LABELS, description="predicted labels that are compared with the action"
    )
    expectation: Literal["posterior", "max"] = Field(
        "posterior",
        description="with which action predicted labels are compared: posterior: all of them, "
        "weighted by the posterior of video-only classifiers (out of fold for training clips); "
        "max: the one that fits best, so that the audio may contradict the picture",
    )
    null_dictionaries: int = Field(
        20,
        ge=20,
        le=1_000,
        description="dictionaries with words that no class uses in place of the actions' words: "
        "the decisions of the filter are compared with theirs",
    )

    @model_validator(mode="after")
    def _names_each_percentile(self) -> Self:
        check_names("percentiles", self.percentiles)
        return self


class ComparisonSettings(Section):
    """What results/comparison.json compares."""

    arms: Distinct[Line] | MISSING = Field(
        MISSING,
        description="the arms that are trained and compared; all unless given. video_only and "
        "real_audio are always there, and with oracle_filter comes filtered",
    )
    primary: Line = Field(
        "generated_arch2-better_null",
        description="the contrast named beforehand, as in results/comparison.json; all others are "
        "corrected by Holm's method, those under `missing` as families of their own. "
        "<arm>-better_null: against that one of generated_null and expected_class_sound which is "
        "more accurate, with the larger of both p-values",
    )
