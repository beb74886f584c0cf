"""Small ViT, AST, BLIP and sentence checkpoints with random weights, in the published format.

The numbers are drawn larger than at the start of a training, so that a wrong token, a wrong order
or a missed normalisation shows.
"""

from __future__ import annotations

import string
from pathlib import Path

import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTForAudioClassification,
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessor,
    BlipProcessor,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

SMALL = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
}
WORDS = ["a", "red", "ball", "bell", "rolls", "rings", "on", "the", "drum", "table"]


def randomise(model: PreTrainedModel, seed: int, scale: float = 0.2) -> None:
    """Draw every weight anew: normal with `scale`, around 1 for the gains of layer norms."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
            if "norm" in name.lower() and name.endswith("weight"):
                weight += 1


def save_vit(folder: Path, seed: int = 1, image_size: int = 64) -> Path:
    """A ViT with a classifier, as ViT checkpoints are published."""
    model = ViTForImageClassification(ViTConfig(**SMALL, image_size=image_size, num_labels=7))
    randomise(model, seed)
    model.save_pretrained(folder)
    size = {"height": image_size, "width": image_size}
    ViTImageProcessor(size=size).save_pretrained(folder)
    return folder


def save_ast(folder: Path, seed: int = 2, max_length: int = 128, labels: int = 527) -> Path:
    """An AST whose window is max_length frames of 10 ms; patches of 16 with strides of 10."""
    config = ASTConfig(**SMALL, max_length=max_length, num_mel_bins=64, num_labels=labels)
    model = ASTForAudioClassification(config)
    randomise(model, seed)
    model.save_pretrained(folder)
    ASTFeatureExtractor(max_length=max_length, num_mel_bins=64).save_pretrained(folder)
    return folder


def save_blip(folder: Path, seed: int = 3, image_size: int = 64) -> Path:
    """A BLIP captioner with a WordPiece tokenizer over a dozen words."""
    folder.mkdir(parents=True, exist_ok=True)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    vocabulary = special + WORDS + list(string.ascii_lowercase)
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(vocabulary)))
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"), bos_token="[DEC]")
    text = {
        **SMALL,
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 32,
        "bos_token_id": tokenizer.bos_token_id,
        "sep_token_id": tokenizer.sep_token_id,
        "eos_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {**SMALL, "image_size": image_size}
    model = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    randomise(model, seed)
    model.save_pretrained(folder)
    size = {"height": image_size, "width": image_size}
    BlipProcessor(BlipImageProcessor(size=size), tokenizer).save_pretrained(folder)
    return folder
