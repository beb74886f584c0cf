"""A small ViT, trained on everything that a frame or a flow picture shows at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from transformers import ViTConfig, ViTModel

from .attributes import AttributeHeads, augmented, joined_targets, mirror, summed_loss
from .data import IMAGE_SIZE, PATCH_SIZE, SEED, Pictures, image_processor
from .loop import fit

CONFIG = {
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 384,
    "image_size": IMAGE_SIZE,
    "patch_size": PATCH_SIZE,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "initializer_range": 0.08,  # 0.02 suits widths of 768; here it delays learning
}


def train_vit(frames: Pictures, flows: Pictures, folder: Path, epochs: int) -> None:
    """Train on frames and flow pictures together and save the ViT (without its heads)."""
    torch.manual_seed(SEED)
    model = ViTModel(ViTConfig(**CONFIG), add_pooling_layer=False)
    heads = AttributeHeads(CONFIG["hidden_size"])
    images = np.concatenate([frames.images, flows.images])
    targets = joined_targets(frames, flows)
    places = np.concatenate([frames.places, flows.places])
    rng = np.random.default_rng([SEED, 3])

    def loss_of(indices: np.ndarray) -> torch.Tensor:
        mirrored = rng.random(len(indices)) < 0.5
        pixels = augmented(images[indices], mirrored, rng)  # (B, 3, 96, 96)
        tokens = model(pixels).last_hidden_state  # (B, 1 + 36, D)
        batch = {name: column[indices] for name, column in targets.items()}
        batch["place"] = mirror(places[indices], mirrored)
        return summed_loss(heads(tokens[:, 1:]), batch)

    parameters = [*model.parameters(), *heads.parameters()]
    fit("vit", parameters, loss_of, len(images), epochs, batch=32, rate=1e-3, seed=SEED)
    model.eval().save_pretrained(folder)
    image_processor().save_pretrained(folder)
