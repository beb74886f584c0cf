"""AST's label head, from checkpoints of one file and of several."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from transformers import ASTForAudioClassification

from models_fixture import save_ast, save_vit
from unmuted.errors import UserError
from unmuted.features.label_head import TENSORS, read_label_head
from unmuted.models.loading import ModelSpec


@pytest.fixture(scope="module")
def ast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_ast(tmp_path_factory.mktemp("models") / "ast")


def test_the_head_is_the_layer_times_the_gain_of_its_norm(ast: Path) -> None:
    tensors = load_file(ast / "model.safetensors")
    expected = tensors["classifier.dense.weight"] * tensors["classifier.layernorm.weight"]
    np.testing.assert_array_equal(read_label_head(ModelSpec(path=ast)).directions(), expected)


def test_a_checkpoint_of_several_files_gives_the_same(ast: Path, tmp_path: Path) -> None:
    ASTForAudioClassification.from_pretrained(ast).save_pretrained(tmp_path, max_shard_size="50KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    whole, parts = (read_label_head(ModelSpec(path=folder)) for folder in (ast, tmp_path))
    for name in TENSORS:
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_a_model_without_that_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected AST's label head"):
        read_label_head(ModelSpec(path=save_vit(tmp_path)))
