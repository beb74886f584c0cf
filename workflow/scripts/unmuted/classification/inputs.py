"""What the classifier of each arm reads of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.classification.arms import arm_audio
from unmuted.engine.runner import Artifact
from unmuted.experiment import Clip
from unmuted.fitting.clip_arrays import ClipArray, Index, mapped_stack, with_audio
from unmuted.generation.projection import Projection


@dataclass(frozen=True)
class ClipFeatures:
    """Features of N clips, mapped where `load_features` has read them.

    visual: float32 (N, T, Dv). real: float32 (N, T, A), zeros without usable sound. usable: bool
    (N,). generated: float32 (N, S, T, A), one a seed.
    """

    visual: np.ndarray
    real: np.ndarray
    usable: np.ndarray
    generated: np.ndarray

    def of_arm(self, arm: str, seed_index: int) -> ClipArray:
        """The classifier's input (N, T, F) in an arm, with what the seed's generator made."""
        if arm == "video_only":
            return self.visual  # nothing to put together

        def audio(clips: Index) -> np.ndarray:
            generated = self.generated[clips, seed_index]
            return arm_audio(arm, self.real[clips], self.usable[clips], generated)

        return with_audio(self.visual, self.real.shape[2], audio)


def load_features(clips: Sequence[Clip], projection: Projection) -> ClipFeatures:
    """Read the features of clips that have generated audio."""
    return ClipFeatures(
        visual=mapped_stack(clip.visual() for clip in clips),
        real=mapped_stack(clip.audio(projection) for clip in clips),
        usable=np.array([clip.has_sound for clip in clips]),
        generated=mapped_stack(clip.artifacts["generated"].tensors()["audio"] for clip in clips),
    )


def arm_digests(arm: str, clip: Clip, space: Artifact) -> list[str]:
    """Content digests of what an arm reads of a clip, for recipes."""
    seen = clip.digests("vit_rgb", "vit_flow")
    if arm == "generated":
        return [*seen, *clip.digests("generated")]
    if arm == "real_audio":
        return [*seen, *clip.digests("ast"), space.row.digest]
    return seen
