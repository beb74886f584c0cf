"""A small CNN, trained like the ViT on everything that a frame or a flow picture shows at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from unmuted.models.architectures import TINY, BackboneConfig, Preprocessing, write_backbone
from unmuted.models.tiny_cnn import CHANNELS, TinyCnn

from .attributes import AttributeHeads, augmented, joined_targets, mirror, summed_loss
from .data import IMAGE_SIZE, NO_TARGET, SEED, Pictures
from .loop import fit

CONFIG = BackboneConfig(
    architecture=TINY,
    features=CHANNELS[-1],
    arguments={"channels": list(CHANNELS)},
    preprocessing=Preprocessing(
        resize_size=[IMAGE_SIZE, IMAGE_SIZE],  # the whole picture, as the ViT sees it
        crop_size=IMAGE_SIZE,
        mean=[0.5, 0.5, 0.5],
        std=[0.5, 0.5, 0.5],
    ),
)
SQUARE_SHARE = 0.4  # of the pictures
SQUARE = IMAGE_SIZE * 3 // 4  # columns of a 4:3 picture, pressed into a square, that its own spans


def train_cnn(frames: Pictures, flows: Pictures, folder: Path, epochs: int) -> None:
    """Train on frames and flow pictures together and save the CNN (without its heads).

    Some pictures are shown as their centre square, which is what the CNN-RNN sees of a frame.
    """
    torch.manual_seed(SEED)
    model = TinyCnn()
    heads = AttributeHeads(CHANNELS[-1])
    images = np.concatenate([frames.images, flows.images])
    targets = joined_targets(frames, flows)
    places = np.concatenate([frames.places, flows.places])
    rng = np.random.default_rng([SEED, 4])

    def loss_of(indices: np.ndarray) -> torch.Tensor:
        mirrored = rng.random(len(indices)) < 0.5
        cropped = rng.random(len(indices)) < SQUARE_SHARE
        pixels = augmented(images[indices], mirrored, rng)  # (B, 3, 96, 96)
        pixels[cropped] = square(pixels[cropped])
        maps = model.maps(pixels.contiguous(memory_format=torch.channels_last))  # (B, F, 6, 6)
        batch = {name: column[indices] for name, column in targets.items()}
        batch["place"] = mirror(places[indices], mirrored)
        batch["place"][cropped] = NO_TARGET
        return summed_loss(heads(maps.flatten(2).mT), batch)

    parameters = [*model.parameters(), *heads.parameters()]
    fit("cnn", parameters, loss_of, len(images), epochs, batch=64, rate=2e-3, seed=SEED)
    write_backbone(folder, CONFIG, model.state_dict())


def square(pixels: torch.Tensor) -> torch.Tensor:
    """The centre squares of 4:3 pictures that were pressed into squares, (B, 3, h, w) as before."""
    start = (pixels.shape[-1] - SQUARE) // 2
    middle = pixels[..., start : start + SQUARE]
    return F.interpolate(middle, size=pixels.shape[-2:], mode="bilinear")
