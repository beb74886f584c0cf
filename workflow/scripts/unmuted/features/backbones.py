"""What a picture shows, as a convolutional network sees it: its pooled features.

ResNet (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016), Inception v3 (Szegedy
et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016), and others of
torchvision, without their last layer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import nn
from torchvision.transforms._presets import ImageClassification

from unmuted.errors import UserError
from unmuted.inference.batches import run_across
from unmuted.inference.device import pick_batch_size, to_arrays, to_device
from unmuted.inference.memory import AdaptiveBatch
from unmuted.inference.prefetch import prefetch
from unmuted.media.images import centre_square
from unmuted.models.architectures import load_backbone
from unmuted.models.loading import ModelSpec, checked_folder

FASTEST_BATCH = {"cpu": 8, "cuda": 64}  # pictures


class Backbone:
    """Features of frames, or of flow pictures, from a CNN.

    `dim` is the length F of a feature. Batches have one shape, so that a picture's feature depends
    on the picture alone, to the bit (unless memory ran short and batches shrank).

    square: None for what the weights were trained on (resized, the middle cut out), or a side in
    pixels: then the picture's centre square is resized to it. Both are normalised as the weights
    want it. Raises UserError if the network cannot see pictures of that size.
    """

    def __init__(
        self,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int | str = "auto",
        square: int | None = None,
    ) -> None:
        model, config = load_backbone(checked_folder(spec, fetch=False), spec.title)
        self.preset, self.square = config.preprocessing.preset(square), square
        self.dim = config.features
        _check_size(model, self.preset.crop_size[0], f"model {spec.name}")
        self.model = model.to(device, dtype).to(memory_format=torch.channels_last)
        self.device, self.dtype = device, dtype
        self.batch_size = pick_batch_size(device, batch_size, FASTEST_BATCH)

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return features float32 (N, F) of images uint8 (N, H, W, 3), RGB; see `extract_clips`."""
        [(_, features)] = self.extract_clips([("", images)])
        return features

    def extract_clips(
        self, clips: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the means over places of the last layer of the network before its classifier.

        Args:
            clips: names, and images uint8 (N, H, W, 3), RGB; N, H and W may differ from clip to
                clip.

        Yields:
            In the same order, names and features float32 (N, F).
        """
        prepared = ((name, prepare(images, self.preset, self.square)) for name, images in clips)
        run = AdaptiveBatch(self._forward, self.batch_size)
        by_clip = run_across(prefetch(prepared), run, self.batch_size, to_arrays)
        for name, features in by_clip:
            yield name, np.stack(features) if features else np.empty((0, self.dim), np.float32)

    @torch.inference_mode()
    def _forward(self, pixels: np.ndarray) -> torch.Tensor:
        """Map pixels (B, 3, h, w) to features float32 (B, F), on the device."""
        values = to_device(pixels, self.device, self.dtype)
        return self.model(values.contiguous(memory_format=torch.channels_last)).float()


def prepare(images: np.ndarray, preset: ImageClassification, square: int | None) -> np.ndarray:
    """Return the pixels for the model, by torchvision's own preset.

    Args:
        images: uint8 (N, H, W, 3), RGB.
        preset: resizes, crops, rescales and normalises.
        square: unless None, only the centre square of the images is taken.

    Returns:
        float32 (N, 3, h, w), h and w what the preset makes (0 for no images).
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"expected uint8 (N, H, W, 3), got {images.dtype} {images.shape}")
    if len(images) == 0:
        return np.empty((0, 3, 0, 0), np.float32)
    seen = images if square is None else centre_square(images)
    pixels = torch.from_numpy(np.ascontiguousarray(seen)).permute(0, 3, 1, 2)  # (N, 3, H, W)
    return preset(pixels).numpy()


def _check_size(model: nn.Module, side: int, what: str) -> None:
    """Raise UserError if pictures of this size shrink to nothing; tried without computing."""
    try:
        copy.deepcopy(model).to("meta")(torch.empty(1, 3, side, side, device="meta"))
    except RuntimeError as error:
        raise UserError(
            f"{what}: cannot see pictures of {side} x {side} pixels ({error}); larger ones are"
            " needed: raise cnn_rnn.image_size, or the crop_size of the model's config.json"
        ) from error
