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

AfterStep = Callable[[], None]
Train = Callable[
    [GeneratorData, Task, AfterStep, GeneratorData | None], "tuple[State, History]"
]  # the training clips, the task, what is called after every step, the validation clips


def train_generators(
    tasks: Sequence[Task],
    clips_of_fits: Mapping[str, Sequence[Clip]],
    validation: Sequence[Clip],
    read: Callable[[Sequence[Clip]], GeneratorData],
    train: Train,
    steps: int,
) -> Iterator[Result]:
    """Train the generator of each fit; a result holds weights, standardisation and losses.

    Args:
        tasks: seeds and fits.
        clips_of_fits: the clips that each fit reads.
        validation: the clips with usable sound that choose the checkpoint of every fit.
        read: reads the data of clips, once for all seeds.
        train: trains one generator.
        steps: of each training, for the progress.
    """
    from unmuted.systems.shared.training import STEP, loss_curves

    log = logging.getLogger("unmuted")
    chosen_on = read(validation) if validation else None
    if chosen_on is None:
        log.warning(
            "no validation clip has usable sound: the last checkpoint of every generator is kept"
        )
    for fit, of_seeds in by_fit(tasks).items():
        data = read(clips_of_fits[fit])
        log.info("%s: %d clips", fit, len(data))
        for task in of_seeds:
            progress = Progress(steps, task.name, "steps")
            state, history = train(data, task, progress.update, chosen_on)
            log.info("%s: the checkpoint of step %d is kept", task.name, state[STEP][0])
            yield Result(task.name, {**state, **loss_curves(history)})
