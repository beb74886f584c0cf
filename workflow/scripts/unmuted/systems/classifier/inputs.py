"""What the classifier of each arm reads of a clip."""

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
    """Features of N clips, mapped where `load_features` has read them.

    visual: float32 (N, T, Dv). real: float32 (N, T, A), zeros without usable sound. usable: bool
    (N,). generated: float32 (N, S, T, A), one a seed; None where it was not read.
    """

    visual: np.ndarray
    real: np.ndarray
    usable: np.ndarray
    generated: np.ndarray | None

    def of_arm(self, arm: str, seed_index: int) -> ClipArray:
        """The classifier's input (N, T, F) in an arm, with what the seed's generator made."""
        if arm == "video_only":
            return self.visual  # nothing to put together

        def audio(clips: Index) -> np.ndarray:
            generated = self.generated[clips, seed_index]
            return arm_audio(arm, self.real[clips], self.usable[clips], generated)

        return with_audio(self.visual, self.real.shape[2], audio)


def arm_audio(arm: str, real: np.ndarray, usable: np.ndarray, generated: np.ndarray) -> np.ndarray:
    """The audio (N, T, A) that the classifier of an arm gets beside the video.

    real: (N, T, A) projected audio. usable: bool (N,), whether a clip has usable sound; without it,
    the real_audio arm gets zeros, the training mean of the audio space. generated: (N, T, A), of
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
    """Read the features of clips; without their generated audio where nothing uses it.

    projection: None where nothing uses their real audio; zeros of audio_dim features stand for it.
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
    """Audio that a stage made for the clips, mapped: (N, ...)."""
    return memmap_stack(clip.artifacts[stage].tensors()["audio"] for clip in clips)


def arm_digests(arm: str, clip: Clip, pca: Artifact) -> list[str]:
    """Content digests of what an arm reads of a clip, for recipes."""
    seen = clip.digests("vit_rgb", "vit_flow")
    if arm == "generated":
        return [*seen, *clip.digests("generated")]
    if arm == "real_audio":
        return [*seen, *clip.digests("ast"), pca.row.digest]
    return seen
