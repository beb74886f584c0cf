"""AST's own label head as plain arrays: a layer norm and a linear layer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unmuted.errors import UserError
from unmuted.models.checking import read_json, reading
from unmuted.models.loading import WEIGHTS, ModelSpec, checked_folder

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
        """Map tokens (..., D) to logits float32 (..., L)."""
        x = tokens.astype(np.float64)
        x = x - x.mean(axis=-1, keepdims=True)
        x /= np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.epsilon)
        return ((x * self.gain + self.shift) @ self.weight.T + self.bias).astype(np.float32)

    def directions(self) -> np.ndarray:
        """Return (L, D) float32: the direction in token space that raises each label's logit."""
        return self.weight * self.gain


def read_label_head(spec: ModelSpec) -> LabelHead:
    """Return the head of an ASTForAudioClassification, without loading the model.

    Raises UserError where the checkpoint has none.
    """
    folder = checked_folder(spec)
    with reading(spec.title, folder):
        arrays = {
            name: _tensor(spec, folder, key).astype(np.float32) for name, key in TENSORS.items()
        }
    config = read_json(folder / "config.json", spec.title)
    return LabelHead(**arrays, epsilon=config.get("layer_norm_eps", EPSILON))


def _tensor(spec: ModelSpec, folder: Path, name: str) -> np.ndarray:
    """Return a tensor of a checkpoint of one file, or of several with an index."""
    from safetensors import safe_open

    whole, index = (folder / file for file in WEIGHTS)
    path: Path | None = whole
    if not whole.is_file():
        shard = json.loads(index.read_text(encoding="utf-8"))["weight_map"].get(name)
        path = folder / shard if shard else None
    if path is not None:
        with safe_open(path, framework="np") as file:
            if name in file.keys():  # noqa: SIM118 (no container)
                return file.get_tensor(name)
    raise UserError(
        f"{spec.title}: {folder}: expected AST's label head, found no {name}; give an "
        "ASTForAudioClassification with AudioSet's labels as models.ast"
    )
