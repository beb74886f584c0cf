"""The choice of the pilot's checkpoints and loss weight on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import FULL, Experiment
from unmuted.systems.pilot.data import PilotData, load_pilot_data
from unmuted.systems.pilot.fits import CLASSIFICATION, candidate_weights, joint_unit

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def select(tasks: Sequence[Task], experiment: Experiment, fits: Fits, job: Job) -> Iterator[Result]:
    """The chosen lambda with its checkpoint of each seed, and what the other lambdas reached.

    Chosen is the one with the least log-loss, the mean over seeds of their best checkpoints; of
    equals the smallest.
    """
    from unmuted.inference.device import use_device

    device = str(use_device(job.config["device"], job.threads))
    clips = experiment.split("val")
    data, labels = load_pilot_data(clips), experiment.labels(clips)
    for task in tasks:
        found = {
            weight: _choices(joint_unit(weight, FULL), fits, data, labels, device)
            for weight in candidate_weights(job.config["pilot"])
        }
        candidates = [
            {
                "lambda": weight,
                "log_loss": float(np.mean([min(choice["log_losses"]) for choice in choices])),
                "accuracy": [choice.pop("accuracy") for choice in choices],
            }
            for weight, choices in found.items()
        ]
        chosen = min(candidates, key=lambda candidate: candidate["log_loss"])["lambda"]
        alone = _choices(CLASSIFICATION, fits, data, labels, device)
        for choice in alone:
            del choice["accuracy"]
        yield Result(
            task.name,
            {
                "validation_clips": len(clips),
                "lambda": chosen,
                "candidates": candidates,
                "joint": found[chosen],
                CLASSIFICATION: alone,
            },
        )


def _choices(
    unit: str, fits: Fits, data: PilotData, labels: np.ndarray, device: str
) -> list[dict[str, object]]:
    """Of each seed that has this unit: its best checkpoint, and how often that one is right."""
    from unmuted.systems.classifier.selection import select_snapshot
    from unmuted.systems.pilot.training import load_pilot, predict_with
    from unmuted.training.checkpoints import unpack_fit

    found = []
    for seed, units in fits.items():
        if unit in units:
            fit = unpack_fit(units[unit].tensors())
            predictions = [
                predict_with(load_pilot(state, device), data, device) for state in fit.snapshots
            ]
            choice = select_snapshot(predictions, labels)
            found.append(
                {
                    "seed": seed,
                    "snapshot": choice.index,
                    "epoch": fit.epochs[choice.index],
                    "log_losses": choice.log_losses,
                    "accuracy": float((predictions[choice.index].argmax(axis=1) == labels).mean()),
                }
            )
    return found
