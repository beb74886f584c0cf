"""The training of the pilot."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from unmuted.config.pilot import PilotSettings
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.progress import Progress
from unmuted.samples.experiment import Experiment
from unmuted.samples.fits import seed_of
from unmuted.systems.pilot.data import load_pilot_data, load_pilot_targets
from unmuted.systems.pilot.fits import PilotFit
from unmuted.systems.shared.projection import Projection


def train(
    tasks: Sequence[Task],
    fits: Mapping[str, PilotFit],
    experiment: Experiment,
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Train each fit; its checkpoints are candidates for the selection on validation clips."""
    from unmuted.inference.device import use_device
    from unmuted.systems.pilot.training import Objective, train_pilot
    from unmuted.training.checkpoints import pack_fit

    log = logging.getLogger("unmuted")
    device = str(use_device(job.config["device"], job.threads))
    settings = PilotSettings.of(job.config["pilot"])
    last_only = settings.changed(snapshots=1)  # the same training, one checkpoint
    by_id = {
        clip.video_id: clip
        for task in tasks
        for clip in (*fits[task.fit].clips, *fits[task.fit].validation)
    }
    row_of = {video_id: row for row, video_id in enumerate(by_id)}
    clips = list(by_id.values())
    data = load_pilot_data(clips)  # once, for all fits
    targets = load_pilot_targets(clips, experiment.classes, Projection(**pca.tensors()))
    for task in tasks:
        fit = fits[task.fit]
        rows, chosen_on = (
            np.array([row_of[clip.video_id] for clip in clips], dtype=np.int64)
            for clips in (fit.clips, fit.validation)
        )
        has_choice = fit.keeps_snapshots or len(chosen_on) > 0
        log.info("%s: %d clips", task.name, len(rows))
        classes = len(experiment.classes) if fit.classifies else 0
        progress = Progress(settings.epochs, task.name, "epochs")
        trained = train_pilot(
            data,
            targets,
            rows,
            Objective(classes, fit.generates, fit.weight),
            settings if has_choice else last_only,
            seed_of(task),
            device,
            after_epoch=lambda *_, epochs=progress: epochs.update(),
            validation=chosen_on if len(chosen_on) else None,
        )
        yield Result(task.name, pack_fit(trained))
