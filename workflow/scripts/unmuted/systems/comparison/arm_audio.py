"""How the audio of each arm is made: the functions that the table of arms names.

Each gets all that the arms' audio is made of, the name of a classifier (with the percentile of its
filter, if it has one), which n of the clips are wanted, and the index of the seed. It returns their
projected audio, float32 (n, T, A); zeros are the training mean, since the projection centres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.systems.comparison.chosen_arms import base_of
from unmuted.systems.comparison.imputation import filtered
from unmuted.training.clip_arrays import Index

if TYPE_CHECKING:
    from unmuted.systems.comparison.inputs import ArmInputs


def audio_of(inputs: ArmInputs, unit: str, clips: Index, seed_index: int) -> np.ndarray:
    """The audio of a classifier's arm, by the function that the table names."""
    arm = COMPARISON_ARMS[base_of(unit)]
    if arm.audio is None:
        raise ValueError(f"the arm {arm.name} has no audio of its own")
    return globals()[arm.audio](inputs, unit, clips, seed_index)


def mean_audio(inputs: ArmInputs, unit: str, clips: Index, seed_index: int) -> np.ndarray:
    """The mean of the training clips' sound, at every step."""
    return np.zeros_like(inputs.clips.real[clips])


def retrieved(inputs: ArmInputs, unit: str, clips: Index, seed_index: int) -> np.ndarray:
    """The mean of the training clips that look most alike."""
    return inputs.stored["retrieved"][clips]


def generated_by_pilot(inputs: ArmInputs, unit: str, clips: Index, seed_index: int) -> np.ndarray:
    """What the pilot of the seed generated."""
    return inputs.stored["pilot_generated"][clips, seed_index]


def generated_by_architecture_1(
    inputs: ArmInputs, unit: str, clips: Index, seed_index: int
) -> np.ndarray:
    """What architecture 1's generator of the seed generated."""
    return inputs.stored["video_generated"][clips, seed_index]


def generated_by_architecture_2(
    inputs: ArmInputs, unit: str, clips: Index, seed_index: int
) -> np.ndarray:
    """What architecture 2's generator of the seed generated."""
    return inputs.stored["generated"][clips, seed_index]


def filtered_architecture_1(
    inputs: ArmInputs, unit: str, clips: Index, seed_index: int
) -> np.ndarray:
    """Architecture 1's audio of the clips that the Feature Filter keeps; else the mean."""
    generated = generated_by_architecture_1(inputs, unit, clips, seed_index)
    return filtered(generated, inputs.kept[unit][clips, seed_index])


def random_features(inputs: ArmInputs, unit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Random numbers that vary as the sound of training clips does."""
    return inputs.random[clips]


def swapped_audio(inputs: ArmInputs, unit: str, clips: Index, seed_index: int) -> np.ndarray:
    """The real audio of each clip's swap partner."""
    return inputs.swapped[clips]
