"""The weights of AST's own label head, read without loading the model."""

from __future__ import annotations

import numpy as np

from unmuted.errors import UserError
from unmuted.features.loading import ModelSpec, load_folder

HEAD, GAIN = "classifier.dense.weight", "classifier.layernorm.weight"


def label_head(spec: ModelSpec) -> np.ndarray:
    """(527, D) float32: the direction in token space that raises each label's logit.

    The head is a layer norm and a linear layer; the norm's gain is folded into the weights.
    """
    from safetensors import safe_open

    path = load_folder(spec) / "model.safetensors"
    with safe_open(path, framework="np") as file:
        if not {HEAD, GAIN} <= set(file.keys()):
            raise UserError(
                f"{path}: expected the tensors {HEAD} and {GAIN} of an ASTForAudioClassification; "
                "give a checkpoint with AudioSet's label head as models.ast"
            )
        weights = file.get_tensor(HEAD).astype(np.float32)
        return weights * file.get_tensor(GAIN).astype(np.float32)
