"""How the audio of each arm is made: the functions that the table of arms names.

Each function gets the inputs of all arms, the name of a fit (the classifier's, with the percentile
of its filter if it has one), the indices of n clips, and the index of the seed. It returns the
projected audio of these clips, float32 (n, T, A); zeros are the training mean, since the projection
centres.
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


def audio_of(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Make the audio of a fit's arm with the function that the table names."""
    arm = COMPARISON_ARMS[base_of(fit)]
    if arm.audio is None:
        raise ValueError(f"the arm {arm.name} has no audio of its own")
    return globals()[arm.audio](inputs, fit, clips, seed_index)


def mean_audio(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return the mean sound of the training clips at every step."""
    return np.zeros_like(inputs.clips.real[clips])


def retrieved(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return the mean sound of the training clips that look most alike."""
    return inputs.stored["retrieved"][clips]


def generated_by_pilot(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return the audio that the pilot of the seed generated."""
    return inputs.stored["pilot_generated"][clips, seed_index]


def generated_by_architecture_1(
    inputs: ArmInputs, fit: str, clips: Index, seed_index: int
) -> np.ndarray:
    """Return the audio that architecture 1's generator of the seed generated."""
    return inputs.stored["video_generated"][clips, seed_index]


def expected_class_sound(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return the classes' mean sounds, averaged under the video-only posterior of the seed."""
    return inputs.stored["expected_sound"][clips, seed_index]


def generated_by_null(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return the audio of the seed's generator that was fitted on permuted sound."""
    return inputs.stored["null_generated"][clips, seed_index]


def generated_by_architecture_2(
    inputs: ArmInputs, fit: str, clips: Index, seed_index: int
) -> np.ndarray:
    """Return the audio that architecture 2's generator of the seed generated."""
    return inputs.stored["generated"][clips, seed_index]


def filtered_architecture_1(
    inputs: ArmInputs, fit: str, clips: Index, seed_index: int
) -> np.ndarray:
    """Return architecture 1's audio of clips that the Feature Filter keeps, else the mean."""
    generated = generated_by_architecture_1(inputs, fit, clips, seed_index)
    return filtered(generated, inputs.kept[fit][clips, seed_index])


def mask_of_filter(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return ones for clips that the Feature Filter keeps, else the mean: its decision alone."""
    return filtered(np.ones_like(inputs.clips.real[clips]), inputs.kept[fit][clips, seed_index])


def no_audio(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return zeros, which the classifier replaces by its learned token."""
    return np.zeros_like(inputs.clips.real[clips])


def random_features(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return random numbers that vary as the sound of training clips does."""
    return _prepared(inputs.random, fit)[clips]


def swapped_audio(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
    """Return the real audio of each clip's swap partner."""
    return _prepared(inputs.swapped, fit)[clips]


def _prepared(audio: np.ndarray | None, fit: str) -> np.ndarray:
    """Return audio that the job has prepared. Raises ValueError if it has not."""
    if audio is None:
        raise ValueError(f"the audio of {fit} was not prepared")
    return audio
