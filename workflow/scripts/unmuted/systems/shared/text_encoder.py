"""The sentence encoder as a part of the generator, if it is trained with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class TextEncoder(nn.Module):
    """A transformer over the tokens of each text, and the mean of its outputs."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        from transformers import AutoConfig, AutoModel  # seconds, which other generators save

        super().__init__()
        self.config = dict(config)  # as transformers writes it, JSON
        self.transformer = AutoModel.from_config(AutoConfig.for_model(**config))

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode token ids int (U, W), -1 for padding, as float32 (U, E); rows of padding are 0."""
        has_tokens = (tokens >= 0).any(dim=1)
        vectors = torch.zeros(
            len(tokens), self.transformer.config.hidden_size, device=tokens.device
        )
        if has_tokens.any():
            vectors[has_tokens] = self._encode(tokens[has_tokens])
        return vectors

    def _encode(self, tokens: Tensor) -> Tensor:
        mask = (tokens >= 0).long()  # (U, W)
        output = self.transformer(input_ids=tokens.clamp(min=0), attention_mask=mask)
        summed = torch.einsum("uw,uwe->ue", mask.float(), output.last_hidden_state)
        return summed / mask.sum(dim=1, keepdim=True)
