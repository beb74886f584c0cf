"""A small ViT, trained on everything that a frame or a flow picture shows at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import ViTConfig, ViTModel

from unmuted.world.vocabulary import BACKGROUNDS, COLOURS, OBJECTS, SCENES

from .data import (
    IMAGE_SIZE,
    NO_TARGET,
    NOTHING,
    PATCH_SIZE,
    SEED,
    Pictures,
    image_processor,
)
from .loop import fit

CLASSES = {
    "object": len(OBJECTS),
    "colour": len(COLOURS),
    "background": len(BACKGROUNDS),
    "action": len(SCENES),
    "acting": 2,
    "cue": 2,
    "motion": len(SCENES) + 1,
    "motion_acting": 2,
}
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


class AttributeHeads(nn.Module):
    """A linear head per attribute on the mean patch token, the feature that the workflow uses.

    One more head on each patch token says which object lies there: the model learns shapes much
    faster when it is told where they are.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.whole = nn.ModuleDict({name: nn.Linear(dim, n) for name, n in CLASSES.items()})
        self.place = nn.Linear(dim, NOTHING + 1)

    def forward(self, patches: torch.Tensor) -> dict[str, torch.Tensor]:
        feature = patches.mean(dim=1)  # (B, D)
        logits = {name: head(feature) for name, head in self.whole.items()}  # (B, classes)
        logits["place"] = self.place(patches).flatten(0, 1)  # (B * 36, objects + 1)
        return logits


def train_vit(frames: Pictures, flows: Pictures, folder: Path, epochs: int) -> None:
    """Train on frames and flow pictures together and save the ViT (without its heads)."""
    torch.manual_seed(SEED)
    model = ViTModel(ViTConfig(**CONFIG), add_pooling_layer=False)
    heads = AttributeHeads(CONFIG["hidden_size"])
    images = np.concatenate([frames.images, flows.images])
    targets = _joined_targets(frames, flows)
    places = np.concatenate([frames.places, flows.places])
    rng = np.random.default_rng([SEED, 3])

    def loss_of(indices: np.ndarray) -> torch.Tensor:
        mirrored = rng.random(len(indices)) < 0.5
        pixels = augmented(images[indices], mirrored, rng)  # (B, 3, 96, 96)
        tokens = model(pixels).last_hidden_state  # (B, 1 + 36, D)
        logits = heads(tokens[:, 1:])
        batch = {name: column[indices] for name, column in targets.items()}
        batch["place"] = _mirror(places[indices], mirrored)
        losses = [
            F.cross_entropy(
                logits[name], torch.from_numpy(column).flatten(), ignore_index=NO_TARGET
            )
            for name, column in batch.items()
            if (column != NO_TARGET).any()
        ]
        return torch.stack(losses).sum()

    parameters = [*model.parameters(), *heads.parameters()]
    fit("vit", parameters, loss_of, len(images), epochs, batch=32, rate=1e-3, seed=SEED)
    model.eval().save_pretrained(folder)
    image_processor().save_pretrained(folder)


def augmented(images: np.ndarray, mirrored: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Normalised pixels (B, 3, h, w) of images, some mirrored, all lit at random.

    Flow pictures pass through the same changes; a mirrored flow picture has unnatural hues, which
    does no harm, since neither the action nor its moment depends on the direction.
    """
    pixels = torch.from_numpy(_mirror(images, mirrored)).float() / 127.5 - 1
    contrast = rng.uniform(0.85, 1.15, (len(images), 1, 1, 1))
    brightness = rng.uniform(-0.1, 0.1, (len(images), 1, 1, 1))
    lit = pixels * torch.from_numpy(contrast).float() + torch.from_numpy(brightness).float()
    return lit.clamp(-1, 1).permute(0, 3, 1, 2)


def _mirror(arrays: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Those of (B, h, w, ...) that `mirrored` (B,) names, flipped left to right."""
    chosen = mirrored.reshape(-1, *[1] * (arrays.ndim - 1))
    return np.where(chosen, arrays[:, :, ::-1], arrays)


def _joined_targets(frames: Pictures, flows: Pictures) -> dict[str, np.ndarray]:
    """Targets over frames then flows; what one of the two does not show is no target."""
    counts = len(frames.images), len(flows.images)
    absent = [np.full(count, NO_TARGET, np.int64) for count in counts]
    return {
        name: np.concatenate(
            [frames.targets.get(name, absent[0]), flows.targets.get(name, absent[1])]
        )
        for name in CLASSES
    }
