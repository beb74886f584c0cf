"""Clips of validation and test that look like a training clip: near duplicates across splits.

Copies of equal content, and clips of one source, are found by digests and names. Another encoding
of the same recording has neither; it is seen by what it looks like.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.tested import TestedClips
from unmuted.samples.experiment import Clip

AT_ONCE = 4096  # clips a block: a block of cosines takes 64 MB
LISTED = 20  # pairs in the report
Pair = tuple[int, int, float]


def near_duplicates(
    train: np.ndarray, others: np.ndarray, threshold: float, at_once: int = AT_ONCE
) -> tuple[list[Pair], int]:
    """Find the most similar training clip of each other clip, if it is similar enough.

    Descriptors are centred on the mean of the training clips, since what all pictures share would
    make any two of them alike. Products of blocks keep memory small for any number of clips.

    Args:
        train: descriptors (N, D) of training clips.
        others: descriptors (M, D) of clips of other splits.
        threshold: cosine from which a pair counts.
        at_once: clips a block.

    Returns:
        Pairs of indices (of train, of others) with their cosine, the most similar first, one for
        each other clip that has any; and the number of all pairs that are similar enough.
    """
    if not len(train) or not len(others):
        return [], 0
    mean = train.mean(axis=0, dtype=np.float64).astype(np.float32)
    found: list[Pair] = []
    count = 0
    for first in range(0, len(others), at_once):
        block = _directions(others[first : first + at_once], mean)
        best, nearest = np.full(len(block), -2.0, np.float32), np.zeros(len(block), np.int64)
        for start in range(0, len(train), at_once):
            cosines = block @ _directions(train[start : start + at_once], mean).T
            count += int((cosines >= threshold).sum())
            highest = cosines.argmax(axis=1)
            values = cosines[np.arange(len(block)), highest]
            nearest = np.where(values > best, start + highest, nearest)
            best = np.maximum(values, best)
        near = np.flatnonzero(best >= threshold)
        found += [(int(nearest[i]), first + int(i), float(best[i])) for i in near]
    return sorted(found, key=lambda pair: (-pair[2], pair[1])), count


def _directions(descriptors: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return centred descriptors (N, D) of length 1, float32; zeros where there is nothing left."""
    centred = descriptors.astype(np.float32) - mean
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return centred / np.maximum(lengths, 1e-12)


def data_section(tested: TestedClips, splits: Mapping[str, Any]) -> dict[str, Any]:
    """Build the section "data" of a report; splits: that section of the configuration."""
    found = near_duplicates_across_splits(tested, splits["duplicate_cosine"])
    return {**tested.data(), "near_duplicates": found}


def near_duplicates_across_splits(tested: TestedClips, threshold: float) -> dict[str, Any]:
    """Build the section "near_duplicates"; the log warns of what it finds.

    A descriptor is the mean over time of the clip's RGB features. Nothing is left out because of
    it: a person decides, since two takes of one still scene look alike, too.
    """
    train = tested.experiment.split("train")
    others = [*tested.experiment.split("val"), *tested.clips]
    pairs, count = near_duplicates(_descriptors(train), _descriptors(others), threshold)
    listed = [
        {
            "train": train[a].video_id,
            "other": others[b].video_id,
            "split": others[b].split,
            "cosine": cosine,
        }
        for a, b, cosine in pairs[:LISTED]
    ]
    if pairs:
        first = [f"{train[a].video_id} and {others[b].video_id}" for a, b, _ in pairs[:3]]
        logging.getLogger("unmuted").warning(
            "%d validation and test clips look like a training clip (cosine of at least %g): %s. "
            "Put clips of one recording into one source group",
            len(pairs),
            threshold,
            "; ".join(first),
        )
    return {"threshold": threshold, "clips": len(pairs), "pairs": count, "most_similar": listed}


def _descriptors(clips: Sequence[Clip]) -> np.ndarray:
    if not clips:
        return np.zeros((0, 1), np.float32)
    features = (clip.artifacts["vit_rgb"].tensors()["features"] for clip in clips)
    return np.stack([of_clip.mean(axis=0, dtype=np.float32) for of_clip in features])
