"""Pictures as a vision model wants them: resized, cropped, rescaled and normalised."""

from __future__ import annotations

import numpy as np
from transformers.image_processing_utils import BaseImageProcessor


def prepare_images(processor: BaseImageProcessor, images: np.ndarray) -> np.ndarray:
    """Return the pixels for the model, by the checkpoint's own processor.

    Args:
        processor: a transformers image processor; works on all images of one size at once.
        images: uint8 (N, H, W, 3), RGB.

    Returns:
        float32 (N, 3, h, w), h and w the model's image size (0 for no images).
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"expected uint8 (N, H, W, 3), got {images.dtype} {images.shape}")
    if len(images) == 0:
        return np.empty((0, 3, 0, 0), np.float32)
    # Said, not inferred: a picture 3 pixels high looks like one with its channels first.
    prepared = processor(list(images), input_data_format="channels_last", return_tensors="pt")
    return prepared.pixel_values.numpy()
