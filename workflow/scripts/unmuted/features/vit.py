"""What a frame shows: the mean patch token of a Vision Transformer.

Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from transformers import ViTImageProcessor, ViTModel

from unmuted.features.images import prepare_images
from unmuted.inference.batches import run_across
from unmuted.inference.device import pick_batch_size, to_arrays, to_device
from unmuted.inference.memory import AdaptiveBatch
from unmuted.inference.prefetch import prefetch
from unmuted.models.checking import reading
from unmuted.models.loading import PROCESSOR, ModelSpec, checked_folder
from unmuted.models.pretrained import load_model

FASTEST_BATCH = {"cpu": 8, "cuda": 64}  # pictures


class VitFeatures:
    """Features of frames, or of flow pictures, from a ViT checkpoint.

    `dim` is the length D of a feature. Batches have one shape, so that a picture's feature depends
    on the picture alone, to the bit (unless memory ran short and batches shrank).
    """

    def __init__(
        self,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        batch_size: int | str = "auto",
    ) -> None:
        folder = checked_folder(spec, PROCESSOR)
        with reading(spec.title, folder):
            self.processor = ViTImageProcessor.from_pretrained(folder)
        self.model = load_model(ViTModel, spec, folder, device, dtype, add_pooling_layer=False)
        self.device, self.dtype = device, dtype
        self.batch_size = pick_batch_size(device, batch_size, FASTEST_BATCH)
        self.dim: int = self.model.config.hidden_size

    def extract(self, images: np.ndarray) -> np.ndarray:
        """Return features float32 (N, D) of images uint8 (N, H, W, 3), RGB; see `extract_clips`."""
        [(_, features)] = self.extract_clips([("", images)])
        return features

    def extract_clips(
        self, clips: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the mean of the patch tokens after the final layer norm, without the CLS token.

        Args:
            clips: names, and images uint8 (N, H, W, 3), RGB; N, H and W may differ from clip to
                clip.

        Yields:
            In the same order, names and features float32 (N, D).
        """
        prepared = ((name, prepare_images(self.processor, images)) for name, images in clips)
        run = AdaptiveBatch(self._forward, self.batch_size)
        by_clip = run_across(prefetch(prepared), run, self.batch_size, to_arrays)
        for name, features in by_clip:
            yield name, np.stack(features) if features else np.empty((0, self.dim), np.float32)

    @torch.inference_mode()
    def _forward(self, pixels: np.ndarray) -> torch.Tensor:
        """Map pixels (B, 3, h, w) to features float32 (B, D), on the device."""
        values = to_device(pixels, self.device, self.dtype)
        tokens = self.model(values).last_hidden_state  # (B, 1 + P, D)
        return tokens[:, 1:].float().mean(dim=1)
