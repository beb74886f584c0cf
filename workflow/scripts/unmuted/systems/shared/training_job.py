"""The training of generators for the seeds of a job; one way for both architectures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from unmuted.engine.executor import Result, Task, by_fit
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.data import GeneratorData
from unmuted.training.loop import History
from unmuted.training.states import State

AfterEpoch = Callable[..., None]


def train_generators(
    tasks: Sequence[Task],
    units: Mapping[str, Sequence[Clip]],
    read: Callable[[Sequence[Clip]], GeneratorData],
    train: Callable[[GeneratorData, Task, AfterEpoch], tuple[State, History]],
    epochs: int,
) -> Iterator[Result]:
    """Weights and standardisation of each unit's generator, with the losses of its epochs.

    units: the clips of each fit. read: their data, which are read once for all seeds. train: fits
    one generator for a task and calls its last argument after every epoch.
    """
    from unmuted.systems.shared.training import loss_curves

    log = logging.getLogger("unmuted")
    for fit, of_seeds in by_fit(tasks).items():
        data = read(units[fit])
        log.info("%s: %d clips", fit, len(data))
        for task in of_seeds:
            progress = Progress(epochs, f"{task.name}, epochs")
            state, history = train(data, task, lambda *_, epochs=progress: epochs.update())
            yield Result(task.name, {**state, **loss_curves(history)})
