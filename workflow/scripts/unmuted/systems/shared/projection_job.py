"""The projection of AST's tokens, fitted on training clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.projection import fit_projection


def fit(tasks: Sequence[Task], clips: Sequence[Clip], audio_dim: int) -> Iterator[Result]:
    """Fit mean (D,), components (A, D) and explained share (A,)."""
    for task in tasks:
        tokens = (clip.artifacts["ast"].tensors()["tokens"] for clip in clips)
        yield Result(task.name, dict(vars(fit_projection(tokens, audio_dim))))
