"""The provable bound of everything that is a function of the picture."""

from __future__ import annotations

import numpy as np

from unmuted.errors import UserError
from unmuted.systems.segmentation.measured import Scored, Seconds

BOUND = 0.5  # of the mean IoU on A/B pairs
ROUNDING = 1e-9


def check_bound(name: str, scored: Scored, seconds: Seconds) -> list[float]:
    """Return the mean IoU on A/B pairs of each seed; raise UserError above the bound.

    For disjoint truths A and B of one picture, any masks P that do not read the sound have IoU(P,
    A) + IoU(P, B) <= |P & A| / |P| + |P & B| / |P| <= 1, so that the mean over the seconds of all
    pairs, in which both have their turn, is at most 0.5. Above it, what should be a function of the
    picture has read the sound: there is a leak.
    """
    if not seconds.is_pair.any():
        return []
    means = scored.iou()[:, seconds.is_pair].mean(axis=1)
    if (means > BOUND + ROUNDING).any():
        raise UserError(
            f"avs: {name} reads the picture alone, but its mean IoU on pairs of clips with the "
            f"same pictures is {means.max():.3f}, above the bound of 0.50 that holds for whatever "
            "does not read the sound: sound has leaked into it"
        )
    return [float(mean) for mean in means]


def union_of_both(seconds: Seconds) -> float | None:
    """Return the mean IoU on A/B pairs of the masks of both objects together: an oracle."""
    chosen = seconds.union_iou[seconds.is_pair]
    return float(np.mean(chosen)) if len(chosen) else None
