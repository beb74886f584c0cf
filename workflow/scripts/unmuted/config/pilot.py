"""The pilot, a classifier and a generator of audio that share one LSTM."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from unmuted.config.fields import Distinct, Positive, check_names
from unmuted.config.training import LstmClassifierSettings


class PilotSettings(LstmClassifierSettings):
    """The pilot's network and training; the snapshots are of its classification."""


class PilotSection(PilotSettings):
    """The pilot, a classifier and a generator of audio that share one LSTM."""

    lambdas: Distinct[Positive] = Field(
        (0.1, 1, 10),
        description="weights of the generation's error relative to the classification's; one is "
        "chosen on validation clips",
    )

    @model_validator(mode="after")
    def _names_each_weight(self) -> Self:
        check_names("lambdas", self.lambdas)
        return self
