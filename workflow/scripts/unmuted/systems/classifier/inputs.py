"""The inputs of the classifier of each arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.evaluation.arms import ARMS
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import ClipArray, Index, memmap_stack, with_audio


@dataclass(frozen=True)
class ClipFeatures:
    """Features of N clips, memory-mapped if `load_features` has read them.

    visual: float32 (N, T, Dv). real: float32 (N, T, A), zeros without usable sound. usable: bool
    (N,). stored: audio that stages have made, by stage: float32 (N, S, T, A), one per seed.
    """

    visual: np.ndarray
    real: np.ndarray
    usable: np.ndarray
    stored: Mapping[str, np.ndarray]

    def of_arm(self, arm: str, seed_index: int) -> ClipArray:
        """Return the input (N, T, F) of an arm's classifier, with the audio of the seed.

        arm: one of the main experiment, under its name there. Without usable sound, the real_audio
        arm gets zeros, the training mean of the projection.
        """
        if arm not in ARMS:
            raise ValueError(f"unknown arm {arm!r}, expected one of {', '.join(ARMS)}")
        if arm == "video_only":
            return self.visual  # there is nothing to join

        def audio(clips: Index) -> np.ndarray:
            if arm == "real_audio":
                return np.where(self.usable[clips, None, None], self.real[clips], np.float32(0))
            return self.stored[stage_of_arm(arm)][clips, seed_index]

        return with_audio(self.visual, self.real.shape[2], audio)


def stage_of_arm(arm: str) -> str:
    """Return the stage that makes the audio of an arm of the main experiment."""
    (stage,) = ARMS[arm].stages
    return stage


class StoredAudio(dict):
    """The audio of the clips by stage, (N, ...), read when it is first used."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        super().__init__()
        self._clips = clips

    def __missing__(self, stage: str) -> np.ndarray:
        return self.setdefault(stage, stored_audio(self._clips, stage))


def load_features(
    clips: Sequence[Clip], projection: Projection | None, audio_dim: int = 0
) -> ClipFeatures:
    """Read the features of clips; the audio that stages have made is read when it is used.

    projection: None if nothing uses their real audio; it is then zeros of audio_dim features.
    """
    visual = memmap_stack(clip.visual() for clip in clips)
    if projection is None:
        real = np.broadcast_to(np.float32(0), (*visual.shape[:2], audio_dim))
    else:
        real = memmap_stack(clip.audio(projection) for clip in clips)
    return ClipFeatures(
        visual=visual,
        real=real,
        usable=np.array([clip.has_sound for clip in clips]),
        stored=StoredAudio(clips),
    )


def stored_audio(clips: Sequence[Clip], stage: str) -> np.ndarray:
    """Read the audio that a stage has made for the clips, memory-mapped: (N, ...)."""
    return memmap_stack(clip.artifacts[stage].tensors()["audio"] for clip in clips)


def arm_digests(arm: str, clip: Clip, pca: Artifact | None) -> list[str]:
    """Return the digests of the artifacts that an arm reads of a clip: for fingerprints.

    pca: the projection; None for an arm that reads no real audio.
    """
    digests = clip.digests("vit_rgb", "vit_flow", *ARMS[arm].stages)
    if arm == "real_audio":
        return [*digests, *clip.digests("ast"), *([] if pca is None else [pca.row.digest])]
    return digests
