"""The weights of AST's own label head, read without loading the model."""

from __future__ import annotations

import numpy as np

from unmuted.errors import UserError
from unmuted.features.loading import ModelSpec, load_folder

HEAD = "classifier.dense.weight"


def label_head(spec: ModelSpec) -> np.ndarray:
    """Weights (527, D), float32: the direction in token space that raises each label's logit."""
    from safetensors import safe_open

    path = load_folder(spec) / "model.safetensors"
    with safe_open(path, framework="np") as file:
        if HEAD not in file.keys():  # noqa: SIM118 (not a dict)
            raise UserError(
                f"{path}: expected the tensor {HEAD} of an ASTForAudioClassification checkpoint; "
                "give a checkpoint with AudioSet's label head as models.ast"
            )
        return file.get_tensor(HEAD).astype(np.float32)
