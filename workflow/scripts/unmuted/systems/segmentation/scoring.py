"""Scores of a clip: pixels of every second by probability, under each condition of the sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.systems.segmentation.choosing import count_clip
from unmuted.systems.segmentation.clip_data import ClipData
from unmuted.systems.segmentation.pixel_counts import THRESHOLDS, PixelCounts
from unmuted.systems.segmentation.stored_probabilities import dequantised, quantised

COUNTS = ("inside", "outside", "inside_above_half", "outside_above_half")


@dataclass(frozen=True)
class SecondScores:
    """Scores of the K seconds of a clip, of S seeds, under one condition.

    counts: by seed. common, either: int64 (S, K), pixels that are marked with this sound and with
    the clip's own, and those marked with one of them.
    """

    counts: tuple[PixelCounts, ...]
    common: np.ndarray
    either: np.ndarray

    def pack(self, prefix: str) -> dict[str, np.ndarray]:
        """Return its arrays by name; a second takes 2 KB a seed."""
        arrays = {
            name: np.stack([getattr(counts, name) for counts in self.counts]).astype(np.uint32)
            for name in COUNTS
        }
        arrays |= {"common": self.common.astype(np.uint32), "either": self.either.astype(np.uint32)}
        return {f"{prefix}.{name}": array for name, array in arrays.items()}

    @classmethod
    def unpack(cls, arrays: Mapping[str, np.ndarray], prefix: str) -> SecondScores:
        """Return what `pack` was called on."""
        of = {
            name: arrays[f"{prefix}.{name}"].astype(np.int64)
            for name in (*COUNTS, "common", "either")
        }
        by_seed = zip(*(of[name] for name in COUNTS), strict=True)
        return cls(tuple(PixelCounts(*counts) for counts in by_seed), of["common"], of["either"])


def score_condition(
    clip: ClipData,
    probabilities: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    thresholds: Sequence[int],
) -> SecondScores:
    """Count the pixels of a clip's seconds.

    Args:
        clip: with its truth.
        probabilities: float32 (K, H, W) of each seed, with the sound of a condition.
        own: the same with the clip's own sound.
        thresholds: indices of the chosen thresholds, of each seed.
    """
    pairs = [
        (marked(p, threshold) & ~clip.is_padding, marked(q, threshold) & ~clip.is_padding)
        for p, q, threshold in zip(probabilities, own, thresholds, strict=True)
    ]
    return SecondScores(
        tuple(count_clip(p, clip) for p in probabilities),
        np.stack([(p & q).sum(axis=(1, 2)) for p, q in pairs]),
        np.stack([(p | q).sum(axis=(1, 2)) for p, q in pairs]),
    )


def marked(probabilities: np.ndarray, threshold: int) -> np.ndarray:
    """Return the mask of probabilities as they are stored, at the threshold of this index."""
    return dequantised(quantised(probabilities)) >= THRESHOLDS[threshold]


def pair_areas(truth: np.ndarray, other: np.ndarray | None) -> np.ndarray:
    """Return int64 (K, 3): pixels of the truth, of the other clip's truth, and of both.

    other: bool (K', H, W), of a clip with the same pictures; seconds that it lacks have none.
    """
    areas = np.zeros((len(truth), 3), np.int64)
    areas[:, 0] = truth.sum(axis=(1, 2))
    if other is not None:
        shared = min(len(truth), len(other))
        areas[:shared, 1] = other[:shared].sum(axis=(1, 2))
        areas[:shared, 2] = (other[:shared] & truth[:shared]).sum(axis=(1, 2))
    return areas


def paired_names(clips: Iterable[tuple[str, str, bool]]) -> dict[str, str]:
    """Return for each clip the other clip of its pair: clips with the same pictures.

    clips: name, digest of the pictures, and whether its truth marks anything. Clips of one digest
    are paired in alphabetical order, so that the other clip of the other clip is the clip; one that
    is left over has none.
    """
    members: dict[str, list[str]] = {}
    for name, key, has_truth in sorted(clips):
        if has_truth:
            members.setdefault(key, []).append(name)
    partners: dict[str, str] = {}
    for names in members.values():
        for first, second in zip(names[::2], names[1::2], strict=False):
            partners |= {first: second, second: first}
    return partners
