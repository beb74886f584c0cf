"""What ViT and CNN learn to tell of a picture: a class per attribute, all at once."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from unmuted.demo_world.vocabulary import BACKGROUNDS, COLOURS, OBJECTS, SCENES

from .data import NO_TARGET, NOTHING, Pictures

CLASSES = {
    "object": len(OBJECTS),
    "colour": len(COLOURS),
    "background": len(BACKGROUNDS),
    "action": len(SCENES),
    "acting": 2,
    "cue": 2 * len(SCENES),  # of each scene: its sign absent or shown
    "motion": len(SCENES) + 1,
    "motion_acting": 2,
}


class AttributeHeads(nn.Module):
    """A linear head per attribute on the mean over places, the feature that the workflow uses.

    One more head on each place says which object lies there: the model learns shapes much faster
    when it is told where they are.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.whole = nn.ModuleDict({name: nn.Linear(dim, n) for name, n in CLASSES.items()})
        self.place = nn.Linear(dim, NOTHING + 1)

    def forward(self, places: torch.Tensor) -> dict[str, torch.Tensor]:
        feature = places.mean(dim=1)  # (B, D)
        logits = {name: head(feature) for name, head in self.whole.items()}  # (B, classes)
        logits["place"] = self.place(places).flatten(0, 1)  # (B * 36, objects + 1)
        return logits


def summed_loss(logits: dict[str, torch.Tensor], targets: dict[str, np.ndarray]) -> torch.Tensor:
    """The sum of the attributes' cross-entropies, over those that the batch has targets for."""
    losses = [
        F.cross_entropy(logits[name], torch.from_numpy(column).flatten(), ignore_index=NO_TARGET)
        for name, column in targets.items()
        if (column != NO_TARGET).any()
    ]
    return torch.stack(losses).sum()


def augmented(images: np.ndarray, mirrored: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Normalised pixels (B, 3, h, w) of images, some mirrored, all lit at random.

    Flow pictures pass through the same changes; a mirrored flow picture has unnatural hues, which
    does no harm, since neither the action nor its moment depends on the direction.
    """
    pixels = torch.from_numpy(mirror(images, mirrored)).float() / 127.5 - 1
    contrast = rng.uniform(0.85, 1.15, (len(images), 1, 1, 1))
    brightness = rng.uniform(-0.1, 0.1, (len(images), 1, 1, 1))
    lit = pixels * torch.from_numpy(contrast).float() + torch.from_numpy(brightness).float()
    return lit.clamp(-1, 1).permute(0, 3, 1, 2)


def mirror(arrays: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Those of (B, h, w, ...) that `mirrored` (B,) names, flipped left to right."""
    chosen = mirrored.reshape(-1, *[1] * (arrays.ndim - 1))
    return np.where(chosen, arrays[:, :, ::-1], arrays)


def joined_targets(frames: Pictures, flows: Pictures) -> dict[str, np.ndarray]:
    """Targets over frames then flows; what one of the two does not show is no target."""
    counts = len(frames.images), len(flows.images)
    absent = [np.full(count, NO_TARGET, np.int64) for count in counts]
    return {
        name: np.concatenate(
            [frames.targets.get(name, absent[0]), flows.targets.get(name, absent[1])]
        )
        for name in CLASSES
    }
