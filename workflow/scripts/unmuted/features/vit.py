"""What a frame shows: the mean patch token of a Vision Transformer.

Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import ViTImageProcessor, ViTModel

from unmuted.features.device import fixed_batches
from unmuted.features.images import prepare_images
from unmuted.features.loading import PROCESSOR, ModelSpec, load_folder
from unmuted.features.pretrained import load_model


class VitFeatures:
    """Features of frames, or of flow pictures, from a ViT checkpoint.

    `dim` is the length D of a feature. Batches have one shape, so that a picture's feature depends
    on the picture alone, to the bit.
    """

    def __init__(
        self, spec: ModelSpec, device: torch.device, dtype: torch.dtype, batch_size: int = 18
    ) -> None:
        folder = load_folder(spec, PROCESSOR)
        self.processor = ViTImageProcessor.from_pretrained(folder)
        self.model = load_model(ViTModel, folder, device, dtype, add_pooling_layer=False)
        self.device, self.dtype, self.batch_size = device, dtype, batch_size
        self.dim: int = self.model.config.hidden_size

    @torch.inference_mode()
    def extract(self, images: np.ndarray) -> np.ndarray:
        """Mean of the patch tokens after the final layer norm, the CLS token left out.

        Args:
            images: uint8 (N, H, W, 3), RGB.

        Returns:
            float32 (N, D).
        """
        features = [np.empty((0, self.dim), np.float32)]
        for batch, valid in fixed_batches(images, self.batch_size):
            pixels = prepare_images(self.processor, batch)  # (B, 3, h, w)
            tokens = self.model(pixels.to(self.device, self.dtype)).last_hidden_state  # (B, 1+P, D)
            pooled = tokens[:, 1:].float().mean(dim=1)  # (B, D)
            features.append(pooled[:valid].cpu().numpy())
        return np.concatenate(features)
