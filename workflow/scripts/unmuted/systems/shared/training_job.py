"""The training of generators for the seeds of a job, for both architectures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from unmuted.engine.executor import Result, Task, by_fit
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.data import GeneratorData

if TYPE_CHECKING:  # a job with nothing to do loads no torch
    from unmuted.training.loop import History
    from unmuted.training.states import State

AfterEpoch = Callable[..., None]


def train_generators(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    read: Callable[[Sequence[Clip]], GeneratorData],
    train: Callable[[GeneratorData, Task, AfterEpoch], tuple[State, History]],
    epochs: int,
) -> Iterator[Result]:
    """Train the generator of each fit; a result holds weights, standardisation and losses.

    Args:
        tasks: seeds and fits.
        clips_of_fits: the clips that each fit reads.
        read: reads the data of clips, once for all seeds.
        train: trains one generator for a task and calls its last argument after every epoch.
        epochs: of each training, for the progress.
    """
    from unmuted.systems.shared.training import loss_curves

    log = logging.getLogger("unmuted")
    for fit, of_seeds in by_fit(tasks).items():
        data = read(clips_of_fits[fit])
        log.info("%s: %d clips", fit, len(data))
        for task in of_seeds:
            progress = Progress(epochs, f"{task.name}, epochs")
            state, history = train(data, task, lambda *_, epochs=progress: epochs.update())
            yield Result(task.name, {**state, **loss_curves(history)})
