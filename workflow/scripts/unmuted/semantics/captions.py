"""A sentence for a frame, by BLIP.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022.
"""

from __future__ import annotations

import numpy as np
import torch
from transformers import AutoTokenizer, BlipForConditionalGeneration, BlipImageProcessor

from unmuted.features.device import fixed_batches
from unmuted.features.images import prepare_images
from unmuted.features.loading import PROCESSOR, TOKENIZER, ModelSpec, load_folder
from unmuted.features.pretrained import load_model


class Captioner:
    """Captions of pictures: greedy by default, beam search with `num_beams` > 1, never sampled."""

    def __init__(
        self,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        max_new_tokens: int,
        num_beams: int = 1,
        batch_size: int = 4,
    ) -> None:
        folder = load_folder(spec, PROCESSOR, TOKENIZER)
        self.processor = BlipImageProcessor.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = load_model(BlipForConditionalGeneration, folder, device, dtype)
        self.device, self.dtype, self.batch_size = device, dtype, batch_size
        self.max_new_tokens, self.num_beams = max_new_tokens, num_beams

    @torch.inference_mode()
    def caption(self, images: np.ndarray) -> list[str]:
        """One caption per picture, without special tokens; a model may answer with an empty one.

        Args:
            images: uint8 (N, H, W, 3), RGB.
        """
        captions: list[str] = []
        for batch, valid in fixed_batches(images, self.batch_size):
            pixels = prepare_images(self.processor, batch)  # (B, 3, h, w)
            tokens = self.model.generate(
                pixels.to(self.device, self.dtype),
                max_new_tokens=self.max_new_tokens,
                num_beams=self.num_beams,
                do_sample=False,
            )  # (B, 1 + L), the first is the start token
            captions += self.tokenizer.batch_decode(tokens[:valid, 1:], skip_special_tokens=True)
        return [" ".join(caption.split()) for caption in captions]
