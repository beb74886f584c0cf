"""Checkpoints of the published sizes and formats with random weights: see the real cost, offline.

    python benchmarks/published_size_models.py FOLDER

writes FOLDER/vit, ast, blip, pilot_backbone and cnn_rnn_backbone, 1.9 GB in float32, the same bytes
every time. What such models say about a video is noise; how long they take and how much memory, is
not.
"""

from __future__ import annotations

import argparse
from itertools import product
from pathlib import Path
from string import ascii_lowercase

import torch
from torch import nn
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

from unmuted.features.audioset import load_labels
from unmuted.models.architectures import write_backbone
from unmuted.models.torchvision_weights import published, untrained

BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}


def write_vit(
    folder: Path, seed: int, *, size: dict[str, int] = BASE, pixels: int = 224, scale: float = 0.02
) -> Path:
    """A ViT image classifier as google/vit-base-patch16-224 is published."""
    model = ViTForImageClassification(ViTConfig(**size, image_size=pixels, num_labels=1000))
    _draw(model, seed, scale).save_pretrained(folder)
    ViTImageProcessor(size={"height": pixels, "width": pixels}).save_pretrained(folder)
    return folder


def write_ast(
    folder: Path, seed: int, *, size: dict[str, int] = BASE, frames: int = 1024, scale: float = 0.02
) -> Path:
    """An AST with AudioSet's 527 labels as MIT/ast-finetuned-audioset-10-10-0.4593 is published."""
    names = dict(enumerate(load_labels()))
    config = ASTConfig(
        **size,
        max_length=frames,
        id2label=names,
        label2id={name: index for index, name in names.items()},
    )
    _draw(ASTForAudioClassification(config), seed, scale).save_pretrained(folder)
    ASTFeatureExtractor(max_length=frames).save_pretrained(folder)
    return folder


def write_blip(
    folder: Path,
    seed: int,
    *,
    size: dict[str, int] = BASE,
    pixels: int = 384,
    vocabulary: int = 30524,
    scale: float = 0.02,
) -> Path:
    """A BLIP captioner as Salesforce/blip-image-captioning-base is published.

    Its WordPiece tokenizer has BERT's special tokens at BERT's places, and strings of letters in
    place of words.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(_word_pieces(vocabulary)))
    tokenizer = BertTokenizer(vocab=str(folder / "vocab.txt"))
    text = {
        **size,
        "vocab_size": vocabulary,
        "bos_token_id": vocabulary - 2,
        "sep_token_id": tokenizer.sep_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = BlipConfig(text_config=text, vision_config={**size, "image_size": pixels})
    _draw(BlipForConditionalGeneration(config), seed, scale).save_pretrained(folder)
    processor = BlipImageProcessor(size={"height": pixels, "width": pixels})
    BlipProcessor(processor, tokenizer).save_pretrained(folder)
    return folder


def write_resnet50(folder: Path, seed: int) -> Path:
    """A ResNet-50 without its classifier as torchvision publishes it."""
    return write_cnn(folder, seed, "ResNet50_Weights.IMAGENET1K_V2")


def write_inception(folder: Path, seed: int) -> Path:
    """An Inception v3 without its classifier as torchvision publishes it."""
    return write_cnn(folder, seed, "Inception_V3_Weights.IMAGENET1K_V1")


def write_cnn(folder: Path, seed: int, weights: str) -> Path:
    """The backbone's folder that published weights become, with random ones."""
    model, config = untrained(published(weights))
    return write_backbone(folder, config, draw_cnn(model, seed).state_dict())


def draw_cnn(model: nn.Module, seed: int) -> nn.Module:
    """Weights that keep the size of what passes through, from normal distributions.

    Statistics and factors of batch normalisation are near 0 and 1, but not quite, so that a layer
    left out or misplaced shows.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in sorted(model.state_dict().items()):
            if tensor.ndim > 1:
                tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
            elif name.endswith(("weight", "running_var")):
                tensor.uniform_(0.8, 1.2, generator=generator)
            elif name.endswith(("bias", "running_mean")):
                tensor.normal_(0, 0.1, generator=generator)
    return model


def _draw(model: PreTrainedModel, seed: int, scale: float) -> PreTrainedModel:
    """Every weight from a normal distribution, those of layer norms around 1.

    The architectures' own initial values leave whole parts at zero (AST's tokens, BLIP's picture
    encoder), which would hide mistakes and make all pictures alike.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(model.named_parameters()):
            weight.normal_(0, scale, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                weight.add_(1)
    return model


def _word_pieces(count: int) -> list[str]:
    """`count` entries: BERT's first 104, then letter strings that start or continue a word."""
    unused = [f"[unused{i}]" for i in range(99)]
    head = ["[PAD]", *unused, "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = ("".join(letters) for n in (1, 2, 3) for letters in product(ascii_lowercase, repeat=n))
    pieces = (prefix + word for word in words for prefix in ("", "##"))
    tail = ["[DEC]", "[ENC]"]
    return [*head, *(next(pieces) for _ in range(count - len(head) - len(tail))), *tail]


WRITERS = {
    "vit": write_vit,
    "ast": write_ast,
    "blip": write_blip,
    "pilot_backbone": write_resnet50,
    "cnn_rnn_backbone": write_inception,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the models' folders are written")
    folder = parser.parse_args().folder
    for name, write in WRITERS.items():
        print(write(folder / name, seed=0))


if __name__ == "__main__":
    main()
