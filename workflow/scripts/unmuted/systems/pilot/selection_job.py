"""The choice of the pilot's checkpoints and loss weight on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Experiment
from unmuted.samples.fits import ALL_TRAINING
from unmuted.systems.pilot.data import PilotData, load_pilot_data
from unmuted.systems.pilot.fits import CLASSIFICATION, candidate_weights, joint_fit

Fits = Mapping[int, Mapping[str, Artifact]]  # by seed and fit


def select(tasks: Sequence[Task], experiment: Experiment, fits: Fits, job: Job) -> Iterator[Result]:
    """Choose lambda, and a checkpoint of each seed, by the log-loss on validation clips.

    The chosen lambda has the least mean over seeds of the best checkpoint's log-loss; among equals
    it is the smallest. The result also has the log-losses of the other lambdas.
    """
    from unmuted.inference.device import use_device

    device = str(use_device(job.config["device"], job.threads))
    clips = experiment.split("val")
    data, labels = load_pilot_data(clips), experiment.labels(clips)
    for task in tasks:
        choices_of = {
            weight: _choices(joint_fit(weight, ALL_TRAINING), fits, data, labels, device)
            for weight in candidate_weights(job.config["pilot"])
        }
        candidates: list[dict[str, Any]] = [
            {
                "lambda": weight,
                "log_loss": float(np.mean([min(choice["log_losses"]) for choice in choices])),
                "accuracy": [choice.pop("accuracy") for choice in choices],
            }
            for weight, choices in choices_of.items()
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
                "joint": choices_of[chosen],
                CLASSIFICATION: alone,
            },
        )


def _choices(
    name: str, fits: Fits, data: PilotData, labels: np.ndarray, device: str
) -> list[dict[str, Any]]:
    """Choose the checkpoint of each seed that has this fit; with its accuracy."""
    from unmuted.systems.classifier.selection import select_snapshot
    from unmuted.systems.pilot.training import load_pilot, predict_with
    from unmuted.training.checkpoints import unpack_fit

    choices = []
    for seed, of_seed in fits.items():
        if name in of_seed:
            trained = unpack_fit(of_seed[name].tensors())
            predictions = [
                predict_with(load_pilot(state, device), data, device) for state in trained.snapshots
            ]
            choice = select_snapshot(predictions, labels)
            choices.append(
                {
                    "seed": seed,
                    "snapshot": choice.index,
                    "epoch": trained.epochs[choice.index],
                    "log_losses": choice.log_losses,
                    "accuracy": float((predictions[choice.index].argmax(axis=1) == labels).mean()),
                }
            )
    return choices
