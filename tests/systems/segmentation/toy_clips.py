"""Clips of two squares, red and green, of which one, both or none sounds: for fast tests."""

from __future__ import annotations

import numpy as np
import torch

from unmuted.models.tiny_cnn import TinyCnn
from unmuted.systems.segmentation.clip_data import ClipBox, ClipData
from unmuted.systems.segmentation.encoder import Encoder
from unmuted.systems.segmentation.networks import FrozenEncoder

SIDE, SECONDS, WIDTH = 32, 3, 8  # pixels, seconds, numbers of a token
RED, GREEN = (220, 40, 40), (40, 200, 60)
SOUNDS = ("red", "green", "blue", "silence")


def token(sound: str, rng: np.random.Generator | None = None) -> np.ndarray:
    """Return what a second sounds like, float32 (WIDTH,)."""
    vector = np.zeros(WIDTH)
    if sound != "silence":
        vector[SOUNDS.index(sound)] = 2.0
        vector += 0 if rng is None else 0.05 * rng.standard_normal(WIDTH)
    return vector.astype(np.float32)


def toy_clip(picture: int, sound: str, name: str = "", padded: int = 0) -> ClipData:
    """Make a clip; `picture` decides where the squares are, nothing but the sound what sounds."""
    rng = np.random.default_rng([picture, 5])
    frames = np.zeros((SECONDS, SIDE, SIDE, 3), np.uint8)
    frames += rng.integers(90, 120, frames.shape, dtype=np.uint8)
    truth = np.zeros((SECONDS, SIDE, SIDE), bool)
    boxes = []
    left = rng.permutation(["red", "green"])
    for second in range(SECONDS):
        for place, colour in enumerate(left):
            x = 16 * place + int(rng.integers(1, 5))
            y = int(rng.integers(2, SIDE - padded - 14))
            region = slice(y, y + 10), slice(x, x + 10)
            frames[second][region] = RED if colour == "red" else GREEN
            if colour == sound:
                truth[second][region] = True
                boxes.append(ClipBox(second, sound, (x, y, x + 10, y + 10)))
    is_padding = np.zeros((SIDE, SIDE), bool)
    is_padding[SIDE - padded :] = True
    frames[:, SIDE - padded :] = 0
    sound_rng = np.random.default_rng([picture, SOUNDS.index(sound), 6])
    own = np.stack([token(sound, sound_rng) for _ in range(SECONDS)])
    silent = sound == "silence"
    return ClipData(
        name=name or f"clip-{picture}-{sound}",
        group=f"picture-{picture}",
        key=f"key-{picture}",
        label=sound,
        kind="",
        frames=frames,
        is_padding=is_padding,
        tokens={
            "own": own,
            "silence": np.zeros((SECONDS, WIDTH), np.float32),
            "noise": sound_rng.standard_normal((SECONDS, WIDTH)).astype(np.float32),
        },
        has_audio=np.ones(SECONDS, bool),
        rms_db=np.full(SECONDS, -90.0 if silent else -20.0, np.float32),
        truth=truth,
        is_labelled=np.ones(SECONDS, bool),
        boxes=tuple(boxes),
    )


def training_world(count: int = 40) -> list[ClipData]:
    """Return clips of pictures of their own, with sounds in turn."""
    mix = ("red", "green", "red", "green", "blue", "red", "green", "silence")
    return [toy_clip(i, mix[i % len(mix)]) for i in range(count)]


def family(picture: int) -> list[ClipData]:
    """Return the four clips of a picture."""
    return [toy_clip(picture, sound) for sound in SOUNDS]


def toy_encoder(seed: int = 0, device: str = "cpu") -> FrozenEncoder:
    """Return a small encoder with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FrozenEncoder(Encoder(TinyCnn((8, 8, 8, 8))), [0.5] * 3, [0.5] * 3, device)
