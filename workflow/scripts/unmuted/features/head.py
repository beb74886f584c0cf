"""The weights of AST's own label head, read without loading the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from unmuted.errors import UserError
from unmuted.features.loading import WEIGHTS, ModelSpec, load_folder

HEAD, GAIN = "classifier.dense.weight", "classifier.layernorm.weight"


def label_head(spec: ModelSpec) -> np.ndarray:
    """(527, D) float32: the direction in token space that raises each label's logit.

    The head is a layer norm and a linear layer; the norm's gain is folded into the weights.
    """
    folder = load_folder(spec)
    weights, gain = (_tensor(folder, name).astype(np.float32) for name in (HEAD, GAIN))
    return weights * gain


def _tensor(folder: Path, name: str) -> np.ndarray:
    """A tensor of a checkpoint of one file, or of several with an index."""
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
        f"{folder}: expected the tensors {HEAD} and {GAIN} of an ASTForAudioClassification; "
        "give a checkpoint with AudioSet's label head as models.ast"
    )
