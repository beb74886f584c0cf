"""The pilot's predictions of the clips of a shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.systems.pilot.data import load_pilot_data

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.systems.pilot.model import Pilot

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and fit
Choices = Mapping[
    str, tuple[str, Sequence[Mapping[str, int]]]
]  # by arm: its fit, and a choice per seed


def predict(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fits: Fits,
    choices: Choices,
) -> Iterator[Result]:
    """Predict the probabilities [seed][class] of each arm, per task.

    choices: for each arm the name of its fit, and the chosen checkpoint of each seed. Clips whose
    label was learnt are not predicted: training clips, and copies of them in any split.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.pilot.training import LABELLED_ON, load_pilot, predict_with
    from unmuted.training.checkpoints import unpack_fit
    from unmuted.training.order import hash_keys

    device = str(use_device(job.config["device"], job.threads))
    models: dict[str, list[Pilot]] = {}
    learnt: set[int] = set()
    for arm, (fit, choices_of_seeds) in choices.items():
        models[arm] = []
        for choice in choices_of_seeds:
            trained = unpack_fit(fits[choice["seed"]][fit].tensors())
            state = trained.snapshots[choice["snapshot"]]
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
