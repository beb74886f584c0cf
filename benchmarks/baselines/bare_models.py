"""Models in a bare loop on tensors that lie ready: what no workflow can beat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import (
    ASTFeatureExtractor,
    ASTForAudioClassification,
    AutoTokenizer,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    ViTImageProcessor,
    ViTModel,
)


class BareVit:
    """ViT on prepared pictures: the mean patch token of each."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        self.processor = ViTImageProcessor.from_pretrained(folder)
        self.model = ViTModel.from_pretrained(folder, add_pooling_layer=False, dtype=dtype).eval()
        self.dtype = dtype

    def prepare(self, images: np.ndarray) -> torch.Tensor:
        """Pictures uint8 (N, H, W, 3) as the model takes them: (N, 3, h, w)."""
        return self.processor(list(images), return_tensors="pt").pixel_values.to(self.dtype)

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor, batch: int) -> torch.Tensor:
        """float32 (N, D)."""
        return torch.cat(
            [
                self.model(few).last_hidden_state[:, 1:].float().mean(dim=1)
                for few in pixels.split(batch)
            ]
        )


class BareAst:
    """AST on prepared spectrograms: patch tokens averaged over frequency, and logits."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        self.extractor = ASTFeatureExtractor.from_pretrained(folder)
        self.model = ASTForAudioClassification.from_pretrained(folder, dtype=dtype).eval()
        self.dtype = dtype

    def prepare(self, sounds: list[np.ndarray]) -> torch.Tensor:
        """Sounds float32 (n,) in -1..1, 16 kHz, as spectrograms (N, frames, mel bins)."""
        made = self.extractor(sounds, sampling_rate=16_000, return_tensors="pt")
        return made.input_values.to(self.dtype)

    @torch.inference_mode()
    def run(self, spectrograms: torch.Tensor, batch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens by column (N, columns, D) and logits (N, labels), float32."""
        columns, logits = [], []
        transformer = self.model.audio_spectrogram_transformer
        rows, _ = transformer.embeddings.get_shape(self.model.config)
        for few in spectrograms.split(batch):
            hidden = transformer(few)
            patches = hidden.last_hidden_state[:, 2:].unflatten(1, (rows, -1))
            columns.append(patches.float().mean(dim=1))
            logits.append(self.model.classifier(hidden.pooler_output).float())
        return torch.cat(columns), torch.cat(logits)


class BareBlip:
    """BLIP as it is commonly used: one picture at a time, in float32, greedy."""

    def __init__(self, folder: Path, max_new_tokens: int) -> None:
        self.processor = BlipImageProcessor.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        load = BlipForConditionalGeneration.from_pretrained
        self.model = load(folder, dtype=torch.float32).eval()
        self.max_new_tokens = max_new_tokens

    @torch.inference_mode()
    def caption(self, image: np.ndarray) -> str:
        """What a picture uint8 (H, W, 3) shows."""
        inputs = self.processor(image, return_tensors="pt")
        tokens = self.model.generate(
            **inputs, max_new_tokens=self.max_new_tokens, num_beams=1, do_sample=False
        )
        return self.tokenizer.decode(tokens[0, 1:], skip_special_tokens=True)
