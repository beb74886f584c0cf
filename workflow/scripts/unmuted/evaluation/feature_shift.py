"""Generated features of training clips, out of fold, against those of validation and test clips.

The classifier learns from the former and is tested on the latter. Where other models make the
latter, such as one of all training clips, they can be larger or nearer to real audio than all that
the classifier has seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

LIMIT = 0.05  # share by which the RMS of test features may differ from that of training features
Features = Iterable[tuple[np.ndarray, np.ndarray]]


def feature_shift(splits: Mapping[str, Features]) -> dict[str, Any]:
    """Compute R2 and RMS of generated features by split; the log warns where they have shifted.

    splits: of "train", "val" and "test", for each clip with usable sound its generated audio
    (S, T, A) and its real audio (T, A). They are read once, one clip at a time. Values of a split
    without such clips are null.
    """
    measured = {split: _measure(features) for split, features in splits.items()}
    train, test = measured["train"]["rms"], measured["test"]["rms"]
    ratio = test["mean"] / train["mean"] if train and test and train["mean"] > 0 else None
    has_shifted = ratio is not None and abs(ratio - 1) > LIMIT
    if has_shifted:
        logging.getLogger("unmuted").warning(
            "the RMS of generated features is %.3f on test clips and %.3f on training clips, which "
            "differs by more than %.0f %%: the classifier is tested on other features than it was "
            "trained on",
            test["mean"],
            train["mean"],
            100 * LIMIT,
        )
    return {**measured, "rms_ratio": ratio, "limit": LIMIT, "has_shifted": has_shifted}


def _measure(features: Features) -> dict[str, Any]:
    """Sum up in one pass: R2 about the mean of the real features, as `metrics.r2`, and the RMS."""
    clips, values = 0, 0
    error, power, total, squares = (np.float64(0),) * 4
    for generated, real in features:
        g, t = generated.astype(np.float64), real.astype(np.float64)
        clips, values = clips + 1, values + t.size
        error = error + ((g - t) ** 2).sum(axis=(1, 2))  # (S,)
        power = power + (g**2).sum(axis=(1, 2))  # (S,)
        total = total + t.sum(axis=0)  # (A,)
        squares = squares + (t**2).sum(axis=0)  # (A,)
    if not clips:
        return {"clips": 0, "r2": None, "rms": None}
    steps = values / total.size
    variance = float((squares - total**2 / steps).sum())
    r2 = _over_seeds(1 - error / variance) if variance > 0 else None
    return {"clips": clips, "r2": r2, "rms": _over_seeds(np.sqrt(power / values))}


def _over_seeds(per_seed: Any) -> dict[str, Any]:
    return {"mean": float(per_seed.mean()), "per_seed": per_seed.tolist()}
