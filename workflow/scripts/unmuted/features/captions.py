"""A sentence for a frame, by BLIP.

Li et al., "BLIP: Bootstrapping Language-Image Pre-training", ICML 2022.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoTokenizer, BlipForConditionalGeneration, BlipImageProcessor
from transformers.models.blip.modeling_blip import BlipAttention

from unmuted.features.images import prepare_images
from unmuted.inference.batches import run_across
from unmuted.inference.device import pick_batch_size, to_device
from unmuted.inference.memory import AdaptiveBatch
from unmuted.inference.prefetch import prefetch
from unmuted.models.checking import reading
from unmuted.models.loading import PROCESSOR, TOKENIZER, ModelSpec, checked_folder
from unmuted.models.pretrained import load_model

FASTEST_BATCH = {"cpu": 8, "cuda": 64}  # pictures


class Captioner:
    """Captions of pictures: greedy by default, beam search with `num_beams` > 1, never sampled."""

    def __init__(
        self,
        spec: ModelSpec,
        device: torch.device,
        dtype: torch.dtype,
        max_new_tokens: int,
        num_beams: int = 1,
        batch_size: int | str = "auto",
    ) -> None:
        folder = checked_folder(spec, PROCESSOR, TOKENIZER)
        with reading(spec.title, folder):
            self.processor = BlipImageProcessor.from_pretrained(folder)
            self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = load_model(BlipForConditionalGeneration, spec, folder, device, dtype)
        layers: Any = self.model.vision_model.encoder.layers  # typed as modules of any kind
        for layer in layers:
            layer.self_attn.forward = partial(_attend, layer.self_attn)
        self.device, self.dtype = device, dtype
        self.batch_size = pick_batch_size(device, batch_size, FASTEST_BATCH)
        self.max_new_tokens, self.num_beams = max_new_tokens, num_beams

    def caption(self, images: np.ndarray) -> list[str]:
        """Return one caption per picture uint8 (N, H, W, 3), RGB; see `caption_clips`."""
        [(_, captions)] = self.caption_clips([("", images)])
        return captions

    def caption_clips(
        self, clips: Iterable[tuple[str, np.ndarray]]
    ) -> Iterator[tuple[str, list[str]]]:
        """Yield one caption per picture, without special tokens; a caption may be empty.

        Args:
            clips: names, and pictures uint8 (N, H, W, 3), RGB; N, H and W may differ from clip to
                clip.

        Yields:
            In the same order, names and captions.
        """
        prepared = ((name, prepare_images(self.processor, images)) for name, images in clips)
        run = AdaptiveBatch(self._generate, self.batch_size)
        yield from run_across(prefetch(prepared), run, self.batch_size)

    @torch.inference_mode()
    def _generate(self, pixels: np.ndarray) -> list[str]:
        """Map pixels (B, 3, h, w) to B captions."""
        tokens = self.model.generate(
            to_device(pixels, self.device, self.dtype),
            max_new_tokens=self.max_new_tokens,
            num_beams=self.num_beams,
            do_sample=False,
        )  # (B, 1 + L), the first is the start token
        captions = self.tokenizer.batch_decode(tokens[:, 1:], skip_special_tokens=True)
        return [" ".join(caption.split()) for caption in captions]


def _attend(
    attention: BlipAttention, hidden_states: torch.Tensor, **_: object
) -> tuple[torch.Tensor, None]:
    """Map (B, P, D) to (B, P, D) as `BlipAttention.forward`, without (B, heads, P, P) in memory.

    transformers writes them out, which makes batches of 577 patches slower than single pictures.
    """
    qkv = attention.qkv(hidden_states).unflatten(-1, (3, attention.num_heads, -1))
    query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (B, heads, P, D / heads) each
    mixed = scaled_dot_product_attention(query, key, value, scale=attention.scale)
    return attention.projection(mixed.transpose(1, 2).flatten(2)), None
