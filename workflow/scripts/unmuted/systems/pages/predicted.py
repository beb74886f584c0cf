"""What the arms of all systems predict of one video, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.site.sections import Cell, Table

MOST_CLASSES = 12  # that are all listed
BEST = 5  # of an arm, where there are more
PREDICTING = (
    *("predictions", "comparison_predictions"),
    *("pilot_predictions", "cnn_rnn_predictions"),
)
TRAINED_ON = "train"  # the split whose labels classifiers were fitted to


@dataclass(frozen=True)
class Arm:
    """An arm of one stage. by_seed: probabilities float (S, C) of its classes.

    is_trained_on: whether its classifiers were fitted to the label of the video or its source.
    """

    name: str
    stage: str
    classes: tuple[str, ...]
    by_seed: np.ndarray
    is_trained_on: bool

    def is_equal(self, other: Arm) -> bool:
        """Return whether both say the same of the video."""
        return self.classes == other.classes and np.array_equal(self.by_seed, other.by_seed)

    @property
    def mean(self) -> np.ndarray:
        """Return the probabilities (C,), the mean over seeds."""
        return self.by_seed.mean(axis=0)

    def probability(self, name: str) -> float | None:
        """Return that of a class; None for one that the arm does not know."""
        return float(self.mean[self.classes.index(name)]) if name in self.classes else None


@dataclass(frozen=True)
class Prediction:
    """What an arm says of the video.

    probability: of the class, the mean over seeds. is_right: None without a label, and where the
    classifiers were trained on it. seeds_right: how many of them predict the label, None likewise.
    """

    arm: str
    predicted: str
    probability: float
    is_right: bool | None
    seeds_right: int | None
    seeds: int


def predictions_of(arms: Sequence[Arm], label: str | None) -> tuple[list[Prediction], Table | None]:
    """Return what each arm predicts, and the probabilities of the classes as a table."""
    if not arms:
        return [], None
    found = [_prediction(arm, label) for arm in arms]
    rows: list[list[Cell]] = [
        [name, *(arm.probability(name) for arm in arms)] for name in _shown_classes(arms, label)
    ]
    caption = "Probability of each class by arm, the mean over seeds"
    names = [arm.name for arm in arms]
    return found, Table(["class", *names], rows, caption, "probabilities")


def read_arms(inputs: Mapping[str, Artifact], split: str | None) -> list[Arm]:
    """Return the arms of all stages, each under a name of its own.

    Arms of one name that say the same are one arm; others are told apart by their stages, as in the
    table of videos. split: of the video in the run. A stage that tells by itself what it has learnt
    from is believed.
    """
    found: list[Arm] = []
    for stage in PREDICTING:
        if stage not in inputs:
            continue
        said = inputs[stage].json()
        is_trained_on = bool(said.get("learnt_from")) or split == TRAINED_ON
        for name, of_arm in said["arms"].items():
            by_seed = of_arm["probabilities"] if isinstance(of_arm, Mapping) else of_arm
            arm = Arm(name, stage, tuple(said["classes"]), np.array(by_seed), is_trained_on)
            if not any(arm.name == other.name and arm.is_equal(other) for other in found):
                found.append(arm)
    names = [arm.name for arm in found]
    return [
        replace(arm, name=f"{arm.name} ({arm.stage})") if names.count(arm.name) > 1 else arm
        for arm in found
    ]


def _prediction(arm: Arm, label: str | None) -> Prediction:
    best = int(arm.mean.argmax())
    predicted, probability = arm.classes[best], float(arm.mean[best])
    if label not in arm.classes or arm.is_trained_on:
        return Prediction(arm.name, predicted, probability, None, None, len(arm.by_seed))
    right = int((arm.by_seed.argmax(axis=1) == arm.classes.index(label)).sum())
    return Prediction(arm.name, predicted, probability, predicted == label, right, len(arm.by_seed))


def _shown_classes(arms: Sequence[Arm], label: str | None) -> list[str]:
    """Return the classes that are listed: all of any arm if they are few, else the best."""
    known = list(dict.fromkeys(name for arm in arms for name in arm.classes))
    if len(known) <= MOST_CLASSES:
        return known
    best = {arm.classes[i] for arm in arms for i in np.argsort(-arm.mean, kind="stable")[:BEST]} | {
        label
    }
    return [name for name in known if name in best]
