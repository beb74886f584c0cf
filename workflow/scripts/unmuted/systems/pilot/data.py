"""The arrays that the pilot reads: features of its CNN, labels and real audio, memory-mapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.features.visual import PILOT_VISUAL
from unmuted.samples.experiment import Clip
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import memmap_stack

NO_LABEL = -1


@dataclass(frozen=True)
class PilotData:
    """The inputs of N clips."""

    keys: tuple[str, ...]
    groups: tuple[str, ...]
    visual: np.ndarray  # float32 (N, T - 1, 2 F)

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, indices: np.ndarray) -> PilotData:
        """Copy the clips at `indices` (int, or bool (N,)) into memory, in that order."""
        chosen = np.arange(len(self))[indices]
        keys, groups = (tuple(names[i] for i in chosen) for names in (self.keys, self.groups))
        return PilotData(keys, groups, self.visual[chosen])


@dataclass(frozen=True)
class PilotTargets:
    """The targets of N clips."""

    labels: np.ndarray  # int64 (N,), NO_LABEL for clips without a label
    audio: np.ndarray  # float32 (N, T, A), projected; zeros without usable sound
    has_audio: np.ndarray  # bool (N,)


def pilot_visual(rgb: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Join features (T, F) of the frames and of the flow images, side by side: (T - 1, 2 F).

    There are T - 1 flows between T frames. The first flow image only repeats the second one, and no
    flow leads to the first frame: both are dropped. A single frame, whose flow is black, is kept:
    (1, 2 F).
    """
    first = min(1, len(rgb) - 1)
    return np.concatenate([rgb[first:], flow[first:]], axis=1)


def load_pilot_data(clips: Sequence[Clip]) -> PilotData:
    """Read the features of the pilot's CNN. Raises UserError for values that are not finite."""
    return PilotData(
        keys=tuple(clip.key for clip in clips),
        groups=tuple(clip.group for clip in clips),
        visual=memmap_stack(_visual(clip) for clip in clips),
    )


def _visual(clip: Clip) -> np.ndarray:
    rgb, flow = (clip.artifacts[view].tensors()["features"] for view in PILOT_VISUAL)
    visual = pilot_visual(rgb, flow)
    if not np.isfinite(visual).all():
        raise UserError(f"clip {clip.video_id}: features of the pilot's CNN that are not finite")
    return visual


def load_pilot_targets(
    clips: Sequence[Clip], classes: Sequence[str], projection: Projection
) -> PilotTargets:
    """Read the labels and the real audio of training clips."""
    indices = {label: i for i, label in enumerate(classes)} | {None: NO_LABEL}
    return PilotTargets(
        labels=np.array([indices[clip.label] for clip in clips], dtype=np.int64),
        audio=memmap_stack(clip.audio(projection) for clip in clips),
        has_audio=np.array([clip.has_sound for clip in clips]),
    )
