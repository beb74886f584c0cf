"""Predictions of the pilot for a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.pilot.data import load_pilot_data

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


Choices = Mapping[str, tuple[str, Sequence[Mapping[str, int]]]]  # by arm: unit, one a seed


def predict(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fits: Fits,
    choices: Choices,
) -> Iterator[Result]:
    """Probabilities [seed][class] of each arm, per task.

    choices: of each arm its unit, and the chosen checkpoint of each seed. What was learnt with its
    label is not predicted: training clips, and copies of them wherever they are.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.pilot.training import LABELLED_ON, load_pilot, predict_with
    from unmuted.training.checkpoints import unpack_fit
    from unmuted.training.order import hash_keys

    device = str(use_device(job.config["device"], job.threads))
    models, learnt = {}, set()
    for arm, (unit, chosen) in choices.items():
        models[arm] = []
        for one in chosen:
            state = unpack_fit(fits[one["seed"]][unit].tensors()).snapshots[one["snapshot"]]
            models[arm].append(load_pilot(state, device))
            learnt.update(state[LABELLED_ON].tolist())
    for task in tasks:
        clip = clips[task.name]
        if clip.split == "train" or int(hash_keys([clip.key])[0]) in learnt:
            yield Result(task.name, None, "training_clip", "the pilot was trained on it")
            continue
        data = load_pilot_data([clip])
        arms = {
            arm: [
                [round(float(p), 7) for p in predict_with(model, data, device)[0]]
                for model in by_seed
            ]
            for arm, by_seed in models.items()
        }
        yield Result(task.name, {"classes": list(job.classes), "arms": arms})
