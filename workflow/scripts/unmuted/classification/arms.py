"""The arms of architecture 2: which audio a classifier is trained and tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Arm:
    """One arm; `train` and `test` say in words which audio its classifier gets."""

    name: str
    train: str
    test: str


ARMS = {
    arm.name: arm
    for arm in (
        Arm("video_only", "none", "none"),
        Arm(
            "generated",
            "generated, out of fold: by generators fitted without the clip's source group",
            "generated, by the generator fitted on all training clips with usable sound",
        ),
        Arm("real_audio", "real audio, projected", "real audio, projected"),
    )
}


def arm_features(
    arm: str, visual: np.ndarray, real: np.ndarray, usable: np.ndarray, generated: np.ndarray
) -> np.ndarray:
    """The classifier's input (N, T, Dv) or (N, T, Dv + A) in this arm.

    visual: (N, T, Dv). real: (N, T, A) projected audio. usable: bool (N,), whether a clip has
    usable sound; without it, the real_audio arm gets zeros, the training mean of the audio space.
    generated: (N, T, A), of training clips out of fold.
    """
    if arm == "video_only":
        return visual
    if arm == "generated":
        return np.concatenate([visual, generated], axis=2)
    if arm == "real_audio":
        return np.concatenate([visual, np.where(usable[:, None, None], real, 0.0)], axis=2)
    raise ValueError(f"unknown arm {arm!r}, expected one of {', '.join(ARMS)}")


def audio_in_words(arm: str, usable_train: np.ndarray, usable_test: np.ndarray) -> dict[str, str]:
    """{"train": ..., "test": ...}: the audio of an arm, with the number of clips that had none."""
    words = {"train": ARMS[arm].train, "test": ARMS[arm].test}
    if arm == "real_audio":
        for part, usable in (("train", usable_train), ("test", usable_test)):
            missing = int((~usable).sum())
            words[part] += f"; training mean for {missing} of {len(usable)} clips without sound"
    return words
