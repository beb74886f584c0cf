"""The scripts that write checkpoints: random weights of the published form, converted pickles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoTokenizer, BlipForConditionalGeneration, ViTModel

from models_fixture import save_ast, save_blip, save_vit
from unmuted.features.captions import Captioner
from unmuted.models.fetching import write_safetensors
from unmuted.models.loading import ModelSpec, model_identity


def test_the_same_seed_gives_the_same_checkpoint(tmp_path: Path) -> None:
    for save in (save_vit, save_ast, save_blip):
        first, second, other = (
            model_identity(ModelSpec(path=save(tmp_path / save.__name__ / str(i), seed)))
            for i, seed in enumerate((1, 1, 2))
        )
        assert first == second != other


def test_checkpoints_have_the_published_form(tmp_path: Path) -> None:
    vit, ast, blip = (save(tmp_path / save.__name__) for save in (save_vit, save_ast, save_blip))
    assert AutoConfig.from_pretrained(vit).architectures == ["ViTForImageClassification"]
    assert AutoConfig.from_pretrained(ast).id2label[137] == "Music"
    tokenizer = AutoTokenizer.from_pretrained(blip)
    assert tokenizer.convert_tokens_to_ids(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]) == [
        0,
        100,
        101,
        102,
        103,
    ]
    config = AutoConfig.from_pretrained(blip).text_config
    assert tokenizer.convert_ids_to_tokens(config.bos_token_id) == "[DEC]"
    assert len(tokenizer) == config.vocab_size


def test_a_pickled_model_is_converted_once_and_captions_the_same(tmp_path: Path) -> None:
    blip, pickled = save_blip(tmp_path / "blip"), tmp_path / "pickled"
    pickled.mkdir()
    for file in blip.iterdir():
        if file.suffix != ".safetensors":
            (pickled / file.name).write_bytes(file.read_bytes())
    weights = BlipForConditionalGeneration.from_pretrained(blip).state_dict()
    torch.save(weights, pickled / "pytorch_model.bin")

    converted = write_safetensors(pickled, tmp_path / "converted")
    assert not list(converted.glob("*.bin"))
    pictures = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 3)).astype(np.uint8)
    before, after = (
        Captioner(ModelSpec(path=folder), torch.device("cpu"), torch.float32, 8).caption(pictures)
        for folder in (blip, converted)
    )
    assert before == after
    assert len(set(before)) > 1


def test_safetensors_are_copied_as_they_are(tmp_path: Path) -> None:
    vit = save_vit(tmp_path / "vit")
    copy = write_safetensors(vit, tmp_path / "copy")
    assert model_identity(ModelSpec(path=copy)) == model_identity(ModelSpec(path=vit))
    assert ViTModel.from_pretrained(copy).config.image_size == 64
