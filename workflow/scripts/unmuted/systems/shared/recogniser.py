"""What the comparison must know of an arm that is a system with its own features and network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unmuted.engine.job import ReportJob
from unmuted.samples.experiment import SampleStages


@dataclass(frozen=True)
class Recogniser:
    """A system that is an arm of the comparison.

    checkpoints: reads which checkpoint of each seed was chosen on validation clips. needs: the
    stages that its samples need, if others than those of most arms.
    """

    checkpoints: Callable[[ReportJob], list[dict[str, Any]]]
    needs: SampleStages | None = None
