"""The projection of the sound of steps, fitted on training recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.highlights.loading import SOUND
from unmuted.systems.highlights.recordings import FileRows
from unmuted.systems.highlights.step_sound import Patches, fit_step_projection


def fit(tasks: Sequence[Task], clips: Sequence[Clip], job: Job) -> Iterator[Result]:
    """Fit mean (D,), components (A, D) and explained share (A,)."""
    import numpy as np

    scale = job.config["highlights"]["sound_scale"]

    def patches() -> Iterator[tuple[Patches, np.ndarray]]:
        for clip in clips:
            with clip.artifacts[SOUND].open_tensors() as file:
                yield FileRows(file, "mel"), file.rows("valid").astype(bool)

    for task in tasks:
        projection = fit_step_projection(patches(), job.config["audio_dim"], scale)
        yield Result(task.name, dict(vars(projection)))
