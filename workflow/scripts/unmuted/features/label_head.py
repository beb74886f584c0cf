"""AST's own label head as plain arrays: a layer norm and a linear layer."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.features.loading import ModelSpec, load_folder

TENSORS = {
    "gain": "classifier.layernorm.weight",
    "shift": "classifier.layernorm.bias",
    "weight": "classifier.dense.weight",
    "bias": "classifier.dense.bias",
}
EPSILON = 1e-12  # of ASTConfig, where a checkpoint does not say


@dataclass(frozen=True)
class LabelHead:
    """From a token to the logits of AudioSet's labels."""

    gain: np.ndarray  # float32 (D,)
    shift: np.ndarray  # float32 (D,)
    weight: np.ndarray  # float32 (L, D)
    bias: np.ndarray  # float32 (L,)
    epsilon: float = EPSILON

    def logits(self, tokens: np.ndarray) -> np.ndarray:
        """(..., D) -> float32 (..., L)"""
        x = tokens.astype(np.float64)
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return ((x * self.gain + self.shift) @ self.weight.T + self.bias).astype(np.float32)


def read_label_head(spec: ModelSpec) -> LabelHead:
    """The head of an ASTForAudioClassification, without loading the model."""
    from safetensors import safe_open

    folder = load_folder(spec)
    path = folder / "model.safetensors"
    with safe_open(path, framework="np") as file:
        missing = sorted(set(TENSORS.values()) - set(file.keys()))
        if missing:
            raise UserError(
                f"{path}: expected AST's label head, found no {', '.join(missing)}; give an "
                "ASTForAudioClassification with AudioSet's labels as models.ast"
            )
        arrays = {name: file.get_tensor(key).astype(np.float32) for name, key in TENSORS.items()}
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return LabelHead(**arrays, epsilon=config.get("layer_norm_eps", EPSILON))
