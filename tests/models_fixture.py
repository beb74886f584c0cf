"""Small ViT, AST, BLIP and CNN checkpoints with random weights, in the published format.

The weights are drawn larger than a training starts with, so that a wrong token, a wrong order or a
missed normalisation shows.
"""

from __future__ import annotations

from pathlib import Path

from published_size_models import draw_cnn, write_ast, write_blip, write_vit
from unmuted.models.architectures import (
    TINY,
    BackboneConfig,
    Preprocessing,
    pooled,
    write_backbone,
)

SMALL = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
}
SCALE = 0.2


def save_vit(folder: Path, seed: int = 1) -> Path:
    """A ViT of 64 pixels with a classifier."""
    return write_vit(folder, seed, size=SMALL, pixels=64, scale=SCALE)


def save_ast(folder: Path, seed: int = 2, frames: int = 128) -> Path:
    """An AST whose window is `frames` frames of 10 ms."""
    return write_ast(folder, seed, size=SMALL, frames=frames, scale=SCALE)


def save_blip(folder: Path, seed: int = 3) -> Path:
    """A BLIP captioner of 64 pixels."""
    return write_blip(folder, seed, size=SMALL, pixels=64, vocabulary=2000, scale=SCALE)


def save_cnn(folder: Path, seed: int = 4) -> Path:
    """A CNN of the demo's kind for pictures of 48 pixels."""
    arguments = {"channels": [6, 8, 12]}
    model, dim = pooled(TINY, arguments)
    seen = Preprocessing(resize_size=48, crop_size=48, mean=[0.5] * 3, std=[0.25] * 3)
    config = BackboneConfig(TINY, dim, seen, arguments)
    return write_backbone(folder, config, draw_cnn(model, seed).state_dict())
