"""The cost of missing audio for each arm, and whether imputing it helps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.evaluation.arms import missing_audio_pairs
from unmuted.evaluation.bootstrap import GroupBootstrap, interval
from unmuted.evaluation.outcomes import contrasts
from unmuted.samples.missing_audio import area_under_rate_curve

KIND = "no_stream"  # of missing audio, which the contrasts are about
FAMILIES = (
    ". Those under `missing` are families of their own: one for each share of training clips "
    "without sound, of all its pairs and both measures"
)


@dataclass(frozen=True)
class CorrectByAudio:
    """Whether an arm's classifiers are right about each clip, (S, N), by the audio that they get.

    Attributes:
        own: the clip's own audio.
        missing: none, so that the arm imputes it.
        noise, swapped: noise or the audio of the swap partner, which the arm takes for its own.
    """

    own: np.ndarray
    missing: np.ndarray
    noise: np.ndarray
    swapped: np.ndarray

    def at(self, kind: str, hit: np.ndarray) -> np.ndarray:
        """Return (S, N) if the clips `hit`, bool (N,), have lost their sound in this way."""
        lost = {"no_stream": self.missing, "silence": self.missing}.get(kind)
        return np.where(hit, getattr(self, kind) if lost is None else lost, self.own)


def rate_curves(
    correct: Mapping[str, CorrectByAudio],
    masks: Mapping[float, np.ndarray],
    kinds: Sequence[str],
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
) -> dict[str, Any]:
    """Compute the accuracy of each arm over the share of missing clips, by kind and arm.

    masks: bool (N,) by rate, rising and nested. leaks: arms that read the label of test clips.
    """
    return {
        kind: {
            arm: _curve(_over_rates(by_audio, masks, kind), list(masks), bootstrap)
            | {"leaks": arm in leaks}
            for arm, by_audio in correct.items()
        }
        for kind in kinds
    }


def imputation_contrasts(
    correct: Mapping[str, CorrectByAudio],
    masks: Mapping[float, np.ndarray],
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
) -> dict[str, Any]:
    """Contrast the arms of all `missing_audio_pairs` under missing audio, by measure: one family.

    Measures: "area", the mean accuracy over the rates, and "largest_rate", the accuracy at the
    largest rate of missing streams. correct, masks, leaks: as in `rate_curves`.
    """
    pairs = [pair for pair in missing_audio_pairs() if set(pair) <= set(correct)]
    arms = {arm for pair in pairs for arm in pair}
    curves = {arm: _over_rates(correct[arm], masks, KIND) for arm in arms}
    measures = {  # (S, N) by arm
        "area": {
            arm: area_under_rate_curve(list(masks), np.moveaxis(curve, 0, -1))
            for arm, curve in curves.items()
        },
        "largest_rate": {arm: curve[-1] for arm, curve in curves.items()},
    }
    by_measure = contrasts(
        {
            (name, pair): tuple(by_arm[arm] for arm in pair)
            for name, by_arm in measures.items()
            for pair in pairs
        },
        bootstrap,
    )
    return {
        name: {
            "-".join(pair): by_measure[name, pair] | {"leaks": not set(pair).isdisjoint(leaks)}
            for pair in pairs
        }
        for name in measures
    }


def _over_rates(
    by_audio: CorrectByAudio, masks: Mapping[float, np.ndarray], kind: str
) -> np.ndarray:
    """Tell whether an arm's classifiers are right at each rate, (R, S, N)."""
    return np.stack([by_audio.at(kind, hit) for hit in masks.values()])


def _curve(
    correct: np.ndarray, rates: Sequence[float], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """Compute the accuracy at each rate, and the area under it; correct: (R, S, N)."""
    samples = np.stack([bootstrap.means(at_rate) for at_rate in correct], axis=1)  # (resamples, R)
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
