"""What missing audio costs each arm, and whether what fills it helps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.evaluation.arms import missing_audio_pairs
from unmuted.evaluation.bootstrap import GroupBootstrap, interval
from unmuted.evaluation.outcomes import contrasts
from unmuted.samples.missing_audio import area_under_rate_curve

KIND = "no_stream"  # of missing audio, about which the question of the project is asked
FAMILIES = (
    ". Those under `missing` are families of their own: one for each share of training clips "
    "without sound, of all its pairs and both measures"
)


@dataclass(frozen=True)
class Heard:
    """Whether an arm's classifiers are right about each clip, (S, N), by what is heard of it.

    own: its own sound. missing: nothing, and the arm fills it. noise, swapped: that, unnoticed.
    """

    own: np.ndarray
    missing: np.ndarray
    noise: np.ndarray
    swapped: np.ndarray

    def at(self, kind: str, hit: np.ndarray) -> np.ndarray:
        """(S, N) where the clips `hit`, bool (N,), have lost their sound in this way."""
        lost = {"no_stream": self.missing, "silence": self.missing}.get(kind)
        return np.where(hit, getattr(self, kind) if lost is None else lost, self.own)


def rate_curves(
    heard: Mapping[str, Heard],
    masks: Mapping[float, np.ndarray],
    kinds: Sequence[str],
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
) -> dict[str, Any]:
    """Accuracy of each arm over the share of clips without their sound, by kind and arm.

    masks: by rate, rising, bool (N,), nested. leaks: arms that read the label of tested clips.
    """
    return {
        kind: {
            arm: _curve(_over_rates(one, masks, kind), list(masks), bootstrap)
            | {"leaks": arm in leaks}
            for arm, one in heard.items()
        }
        for kind in kinds
    }


def filled_contrasts(
    heard: Mapping[str, Heard],
    masks: Mapping[float, np.ndarray],
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
) -> dict[str, Any]:
    """Does it help where audio is missing? All of `missing_audio_pairs`, by measure: one family.

    Measures: "area", the mean accuracy over the rates, and "largest_rate", accuracy where the most
    clips lack their stream. heard, masks, leaks: as in `rate_curves`.
    """
    pairs = [pair for pair in missing_audio_pairs() if set(pair) <= set(heard)]
    curves = {arm: _over_rates(heard[arm], masks, KIND) for arm in {a for p in pairs for a in p}}
    measures = {  # (S, N) by arm
        "area": {
            a: area_under_rate_curve(list(masks), np.moveaxis(c, 0, -1)) for a, c in curves.items()
        },
        "largest_rate": {arm: curve[-1] for arm, curve in curves.items()},
    }
    found = contrasts(
        {
            (name, pair): tuple(by_arm[arm] for arm in pair)
            for name, by_arm in measures.items()
            for pair in pairs
        },
        bootstrap,
    )
    return {
        name: {
            "-".join(pair): found[name, pair] | {"leaks": not set(pair).isdisjoint(leaks)}
            for pair in pairs
        }
        for name in measures
    }


def _over_rates(heard: Heard, masks: Mapping[float, np.ndarray], kind: str) -> np.ndarray:
    """Whether an arm's classifiers are right at each rate, (R, S, N)."""
    return np.stack([heard.at(kind, hit) for hit in masks.values()])


def _curve(
    correct: np.ndarray, rates: Sequence[float], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """correct: (R, S, N)."""
    samples = np.stack([bootstrap.means(one) for one in correct], axis=1)  # (resamples, R)
    per_seed = correct.mean(axis=2)  # (R, S)
    accuracy = [
        {"mean": float(mean), "ci95": list(interval(sample)), "per_seed": seeds.tolist()}
        for mean, sample, seeds in zip(per_seed.mean(axis=1), samples.T, per_seed, strict=True)
    ]
    areas = area_under_rate_curve(rates, per_seed.T)  # (S,)
    return {
        "accuracy": accuracy,
        "area": {
            "mean": float(np.mean(areas)),
            "ci95": list(interval(area_under_rate_curve(rates, samples))),
            "per_seed": np.asarray(areas).tolist(),
        },
    }
