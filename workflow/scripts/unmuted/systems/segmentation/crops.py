"""The crops of what sounds in training clips; nothing else reads them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from unmuted.systems.segmentation.crop_losses import Crops

CROP_SIDE = 64  # pixels, what the second network sees


def box_masks(crops: Crops, like: Tensor) -> Tensor:
    """Fill the boxes of each frame, as `like` float (B, T, H, W); others are empty."""
    masks = torch.zeros_like(like).flatten(0, 1)
    for frame, edges in zip(crops.frames.tolist(), crops.boxes.round().int().tolist(), strict=True):
        left, top, right, bottom = edges
        masks[frame, top:bottom, left:right] = 1
    return masks.view_as(like)


def crop_pixels(frames: Tensor, crops: Crops) -> Tensor:
    """Cut the crops out of pictures uint8 (B T, 3, H, W) and resize them: (K, 3, side, side).

    Values are from -1 to 1.
    """
    pixels = frames.float() / 127.5 - 1
    rois = torch.cat([crops.frames[:, None].float(), crops.boxes], dim=1)
    return roi_align(pixels, rois, CROP_SIDE, aligned=True)


def pooled_backbone(stages: nn.Module) -> nn.Module:
    """Return a network from pixels to features, averaged over places."""
    return nn.Sequential(stages, nn.AdaptiveAvgPool2d(1), nn.Flatten())
