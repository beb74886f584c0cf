"""The transformer and the tokens of a sentence encoder, for a generator that trains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from unmuted.errors import UserError
from unmuted.features.sentences import SentenceEncoder
from unmuted.systems.shared.text_encoder import TextEncoder

ORIGIN = ("_name_or_path", "transformers_version")  # configuration that changes no result


def text_encoder(sentences: SentenceEncoder) -> TextEncoder:
    """Copy the transformer. Raises UserError if a plain mean does not follow it."""
    parts = [(type(part).__name__, getattr(part, "pooling_mode", "")) for part in sentences.model]
    mean = [("Transformer", ""), ("Pooling", "mean")]
    if parts not in (mean, [*mean, ("Normalize", "")]):
        raise UserError(
            "text_adapter full trains a sentence encoder made of a transformer and the mean over "
            f"its tokens, but this one is {' -> '.join(' '.join(part).strip() for part in parts)}: "
            "use text_adapter adapter with it"
        )
    transformer: Any = sentences.model[0].auto_model  # of any architecture
    config = {k: v for k, v in transformer.config.to_diff_dict().items() if k not in ORIGIN}
    encoder = TextEncoder(config)
    encoder.transformer.load_state_dict(transformer.state_dict())
    return encoder


def tokens_of(sentences: SentenceEncoder, texts: Sequence[str]) -> list[np.ndarray]:
    """Return the token ids of each text, int64 (W,), as the sentence encoder reads it."""
    tokenize, limit = sentences.model.tokenizer, sentences.model.max_seq_length
    return [np.array(tokenize(t, truncation=True, max_length=limit).input_ids) for t in texts]
