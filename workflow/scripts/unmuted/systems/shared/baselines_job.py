"""The fit of the baselines that generated audio is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.baselines import class_sounds, fit_ridge
from unmuted.systems.shared.inputs import generator_data
from unmuted.systems.shared.projection import Projection


def fit(
    tasks: Sequence[Task],
    training: Sequence[Clip],
    validation: Sequence[Clip],
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Fit the ridge regression and the mean sounds of the classes, "class_sounds" (C, T, A).

    training: the clips with sound that fits may read; those with a label make the sounds of
    classes. validation: the clips with sound that choose the penalty.
    """
    projection, steps = Projection(**pca.tensors()), time_steps(job.config)
    data = generator_data(training, projection, steps, reads_captions=False)
    chosen_on = None
    if validation:
        chosen_on = generator_data(validation, projection, steps, reads_captions=False)
    classes = {label: i for i, label in enumerate(job.classes)}
    labelled = [(clip, classes[clip.label]) for clip in training if clip.label is not None]
    sounds = np.zeros((len(classes), steps, len(projection.components)), np.float32)
    if labelled:
        audio = np.stack([clip.audio(projection) for clip, _ in labelled])
        labels = np.array([label for _, label in labelled])
        sounds = class_sounds(audio, labels, len(classes))
    for task in tasks:
        ridge, scores = fit_ridge(data, chosen_on, job.config["ridge"]["penalties"])
        history = {"history.validation_r2": np.array(scores, np.float32)}
        yield Result(task.name, {**vars(ridge), "class_sounds": sounds, **history})
