"""Probabilities of masks: windows of frames and audio through a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from unmuted.systems.segmentation.clip_data import ClipData
from unmuted.systems.segmentation.networks import FrozenEncoder, TrainedPart
from unmuted.systems.segmentation.windows import windows


def needed_size(is_padding: np.ndarray, stride: int) -> tuple[int, int]:
    """Return height and width with no more padding than the network needs.

    is_padding: bool (H, W); the padding is at the right and at the bottom. Raises ValueError for a
    picture that cannot be cut to multiples of the stride.
    """
    sides = []
    for axis in (1, 0):
        used = int((~is_padding.all(axis=axis)).sum())
        side = -(-used // stride) * stride
        if used == 0 or side > is_padding.shape[1 - axis]:
            raise ValueError(
                f"expected pictures padded to multiples of {stride}, found {is_padding.shape}"
            )
        sides.append(side)
    return sides[0], sides[1]


def trimmed(clip: ClipData, stride: int) -> ClipData:
    """Return the clip without the padding that the network does not need."""
    height, width = needed_size(clip.is_padding, stride)
    return replace(
        clip,
        frames=clip.frames[:, :height, :width],
        is_padding=clip.is_padding[:height, :width],
        truth=clip.truth[:, :height, :width],
    )


def clip_maps(clip: ClipData, encoder: FrozenEncoder, trained_stages: int) -> list[torch.Tensor]:
    """Return the maps of the frozen stages for all seconds of a clip, float16 (K, C, h, w)."""
    return [torch.from_numpy(m) for m in encoder.maps(clip.frames, trained_stages)]


@torch.inference_mode()
def predict(
    network: TrainedPart, maps: Sequence[torch.Tensor], audio: np.ndarray, window: int
) -> np.ndarray:
    """Return the probability of each pixel to sound, float32 (K, H, W).

    maps: of the frozen stages, (K, C, h, w), on the CPU as the result is. audio: float32 (K, A).
    window: seconds that the network reads at once. Raises ValueError for a probability that is not
    a number.
    """
    network.eval()
    device = next(network.parameters()).device
    sound = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float32)).to(device)
    parts = []
    for one in windows(len(sound), window):
        logits = network(
            [m[one.seconds].to(device).float() for m in maps], sound[None, one.seconds]
        )
        parts.append(logits[0, one.first - one.start :].sigmoid())
    probabilities = torch.cat(parts).cpu().numpy()
    if not np.isfinite(probabilities).all():
        raise ValueError("the network gave probabilities that are no numbers; no mask is written")
    return probabilities
