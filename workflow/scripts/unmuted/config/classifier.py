"""The action classifier, the same in every arm."""

from __future__ import annotations

from unmuted.config.training import LstmClassifierSettings


class ClassifierSettings(LstmClassifierSettings):
    """The classifier's network and training."""
