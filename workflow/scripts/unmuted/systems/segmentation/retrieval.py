"""Sound of the training pictures that look most like a picture: the condition `knn`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.training.order import hash_keys

DIGITS = 6  # of a cosine: smaller differences are rounding


@dataclass(frozen=True)
class PictureBank:
    """M training seconds with sound.

    looks: float32 (M, F), of the pictures, standardised and of length 1. tokens: float32 (M, D), of
    the sound. groups: int64 (M,), hashes of the sources. mean, scale: float32 (F,).
    """

    looks: np.ndarray
    tokens: np.ndarray
    groups: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    def retrieve(self, looks: np.ndarray, group: str, neighbours: int) -> np.ndarray:
        """Return the mean tokens (K, D) of the nearest seconds from other sources.

        looks: float32 (K, F) of a clip's pictures. With no other source, the mean of all tokens.
        """
        cosine = _directions(looks, self.mean, self.scale) @ self.looks.T  # (K, M)
        cosine = np.round(cosine, DIGITS)
        allowed = self.groups != hash_keys([group])[0]
        if not allowed.any():
            return np.repeat(self.tokens.mean(axis=0, keepdims=True), len(looks), axis=0)
        cosine[:, ~allowed] = -np.inf
        count = min(neighbours, int(allowed.sum()))
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :count]
        return self.tokens[nearest].mean(axis=1).astype(np.float32)

    def pack(self) -> dict[str, np.ndarray]:
        """Return its arrays by name."""
        return dict(vars(self))

    @classmethod
    def unpack(cls, arrays: Mapping[str, np.ndarray]) -> PictureBank:
        """Return what `pack` was called on."""
        return cls(**arrays)


def build_bank(
    looks: Sequence[np.ndarray], tokens: Sequence[np.ndarray], groups: Sequence[str]
) -> PictureBank:
    """Make the bank of training clips: looks (K, F), tokens (K, D) and group of each."""
    all_looks = np.concatenate(looks).astype(np.float64)
    mean, scale = all_looks.mean(axis=0), np.maximum(all_looks.std(axis=0), 1e-6)
    mean, scale = mean.astype(np.float32), scale.astype(np.float32)
    counts = [len(rows) for rows in looks]
    return PictureBank(
        _directions(all_looks, mean, scale),
        np.concatenate(tokens).astype(np.float32),
        np.repeat(hash_keys(list(groups)), counts),
        mean,
        scale,
    )


def picture_looks(last_map: np.ndarray, is_padding: np.ndarray) -> np.ndarray:
    """Average the encoder's last map (K, F, h, w) over the places of the video: (K, F)."""
    h, w = last_map.shape[-2:]
    height, width = is_padding.shape
    cells = (~is_padding).reshape(h, height // h, w, width // w).mean(axis=(1, 3))  # (h, w)
    weighted = last_map.astype(np.float32) * cells.astype(np.float32)
    return (weighted.sum(axis=(2, 3)) / cells.sum()).astype(np.float32)


def _directions(looks: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    centred = (looks - mean) / scale
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return (centred / np.maximum(lengths, 1e-9)).astype(np.float32)
