"""The inputs of the classifier of each arm."""

from __future__ import annotations

from collections.abc import Sequence
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
    (N,). generated: float32 (N, S, T, A), one per seed; None if it was not read.
    """

    visual: np.ndarray
    real: np.ndarray
    usable: np.ndarray
    generated: np.ndarray | None

    def of_arm(self, arm: str, seed_index: int) -> ClipArray:
        """Return the input (N, T, F) of an arm's classifier, with the audio of the seed."""
        if arm == "video_only":
            return self.visual  # there is nothing to join

        def audio(clips: Index) -> np.ndarray:
            if self.generated is None:
                raise ValueError("the generated audio of these clips was not read")
            generated = self.generated[clips, seed_index]
            return arm_audio(arm, self.real[clips], self.usable[clips], generated)

        return with_audio(self.visual, self.real.shape[2], audio)


def arm_audio(arm: str, real: np.ndarray, usable: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """Return the audio (N, T, A) that the classifier of an arm gets in addition to the video.

    real: (N, T, A) projected audio. usable: bool (N,), whether a clip has usable sound; without it,
    the real_audio arm gets zeros, the training mean of the projection. generated: (N, T, A), of
    training clips out of fold.
    """
    if arm == "generated":
        return generated
    if arm == "real_audio":
        return np.where(usable[:, None, None], real, np.float32(0))
    raise ValueError(f"unknown arm {arm!r}, expected one of {', '.join(ARMS)}")


def load_features(
    clips: Sequence[Clip],
    projection: Projection | None,
    with_generated: bool = True,
    audio_dim: int = 0,
) -> ClipFeatures:
    """Read the features of clips, without their generated audio if nothing uses it.

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
        generated=stored_audio(clips, "generated") if with_generated else None,
    )


def stored_audio(clips: Sequence[Clip], stage: str) -> np.ndarray:
    """Read the audio that a stage has made for the clips, memory-mapped: (N, ...)."""
    return memmap_stack(clip.artifacts[stage].tensors()["audio"] for clip in clips)


def arm_digests(arm: str, clip: Clip, pca: Artifact) -> list[str]:
    """Return the digests of the artifacts that an arm reads of a clip: for fingerprints."""
    digests = clip.digests("vit_rgb", "vit_flow")
    if arm == "generated":
        return [*digests, *clip.digests("generated")]
    if arm == "real_audio":
        return [*digests, *clip.digests("ast"), pca.row.digest]
    return digests
