"""The training of spotters: for every seed one of each arm."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import seed_of
from unmuted.systems.highlights.arms import ARMS
from unmuted.systems.highlights.context import TRAINING_EVENTS, Context, Fitted

TRAINED_CLIPS = 0.8  # of all, in seed mode


def train(
    tasks: Sequence[Task],
    clips: Sequence[Clip],
    fitted: Fitted,
    folds: Mapping[str, int],
    job: Job,
) -> Iterator[Result]:
    """Train the spotter of each task.

    A result also holds hashes of the recordings it has read, and `training_events`, int (K,), how
    many events of each kind it was trained on.
    """
    from unmuted.samples.folds import read_in_fit
    from unmuted.systems.highlights.sampling import kept_by_clip
    from unmuted.systems.highlights.training import SpotterData, train_spotter, training_events
    from unmuted.training.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    context = Context(job, fitted, folds)
    recordings = [labelled.recording for labelled in context.load(clips)]
    lost = context.highlights["lost_sound"]
    kept = None
    if context.highlights["split_by_clip"]:
        kept = [kept_by_clip(r, TRAINED_CLIPS, lost["seed"]) for r in recordings]
    read = read_in_fit([r.key for r in recordings], [r.match for r in recordings])
    log.info("%d recordings, %d steps", len(recordings), sum(r.steps for r in recordings))
    for task in tasks:
        arm, seed = ARMS[task.fit], seed_of(task)
        progress = Progress(context.spotter.epochs, task.name, "epochs")
        data = SpotterData(
            [context.imputed(r, arm.imputation, seed) for r in recordings],
            len(context.kinds),
            context.rate,
            context.sampling,
            lost["training_share"],
            kept,
        )
        fit = train_spotter(
            data,
            arm,
            context.spotter,
            seed,
            context.device,
            after_epoch=lambda *_, epochs=progress: epochs.update(),
        )
        counts = {TRAINING_EVENTS: training_events(data)}
        yield Result(task.name, {**pack_fit(fit), **read, **counts})
