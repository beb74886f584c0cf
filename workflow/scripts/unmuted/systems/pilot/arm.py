"""The pilot as an arm of the comparison."""

from __future__ import annotations

from typing import Any

from unmuted.engine.job import ReportJob
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.shared.recogniser import Recogniser


def _checkpoints(job: ReportJob) -> list[dict[str, Any]]:
    return job.fits("pilot_selection")[ONLY_FIT].json()["joint"]


RECOGNISER = Recogniser(_checkpoints)
