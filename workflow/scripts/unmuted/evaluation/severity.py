"""Accuracy over the severity of degraded sound: what is left, from a scratch to nothing at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap, interval
from unmuted.samples.degraded_sound import KINDS, Level


def severity_curves(
    correct: Mapping[str, np.ndarray],
    levels: Sequence[Level],
    has_sound: np.ndarray,
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
) -> dict[str, Any] | None:
    """Compute the accuracy of each arm at each level of severity, on test clips that have sound.

    A clip without sound has none to lose: it would only flatten the curves. None if all are so.

    Args:
        correct: by arm, 1 where a seed's classifier is right, else 0: (L, S, M), of the M clips
            with sound.
        levels: the L levels.
        has_sound: bool (N,), which of all N test clips have sound, M of them.
        bootstrap: over all N clips.
        leaks: arms that read the label of test clips.
    """
    if not has_sound.any():
        return None
    of_clips = replace(bootstrap, group_of_clip=bootstrap.group_of_clip[has_sound])
    curves: dict[str, Any] = {"clips": int(has_sound.sum())}
    for kind in KINDS:
        chosen = [place for place, level in enumerate(levels) if level.kind == kind]
        curves[kind] = {
            "levels": [levels[place].value for place in chosen],
            "arms": {
                arm: {
                    "accuracy": [_accuracy(values[place], of_clips) for place in chosen],
                    "leaks": arm in leaks,
                }
                for arm, values in correct.items()
            },
        }
    return curves


def _accuracy(correct: np.ndarray, bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Average (S, M) with its interval, over the resamples that hold a clip with sound."""
    with np.errstate(invalid="ignore"):
        samples = bootstrap.means(correct)
    per_seed = correct.mean(axis=1)
    return {
        "mean": float(per_seed.mean()),
        "ci95": list(interval(samples[np.isfinite(samples)])),
        "per_seed": per_seed.tolist(),
    }
