"""How close generated audio features come to the real ones of test clips."""

from __future__ import annotations

from typing import Any

import numpy as np

from unmuted.report.bootstrap import GroupBootstrap, interval
from unmuted.report.metrics import mean_average_precision, mean_cosine, r2

PRESENT = 0.5  # AST score on real audio from which a label counts as present


def generation_metrics(
    generated: np.ndarray,
    real: np.ndarray,
    usable: np.ndarray,
    spread: np.ndarray,
    prototypes: np.ndarray,
    label_scores: np.ndarray,
    bootstrap: GroupBootstrap,
) -> dict[str, Any]:
    """The report's "generation" section, over the test clips that have usable sound.

    generated: (S, N, T, A), one a seed. real: (N, T, A) projected audio. usable: bool (N,).
    spread: (S, N) over draws of the noise, NaN for one draw. prototypes: (L, A) of the full fit.
    label_scores: (N, L), AST on the real audio. bootstrap: drawn over the groups of all N clips.
    Values are null where no test clip has usable sound.
    """
    names = ("cosine", "cosine_ci95", "r2", "r2_ci95", "per_seed", "spread_over_draws", "label_map")
    made, truth = generated[:, usable], real[usable]
    if len(truth) == 0:
        return {"clips": 0, **dict.fromkeys(names)}
    per_seed = {
        "cosine": [mean_cosine(one, truth) for one in made],
        "r2": [r2(one, truth) for one in made],
    }
    return {
        "clips": len(truth),
        "cosine": float(np.mean(per_seed["cosine"])),
        "cosine_ci95": _cosine_interval(generated, real, usable, bootstrap),
        "r2": float(np.mean(per_seed["r2"])),
        "r2_ci95": _r2_interval(generated, real, usable, bootstrap),
        "per_seed": per_seed,
        "spread_over_draws": _spread_over_draws(spread[:, usable], truth),
        "label_map": _label_map(made, truth, prototypes, label_scores[usable]),
    }


def _spread_over_draws(spread: np.ndarray, truth: np.ndarray) -> float | None:
    """Spread (S, N) as a share of that of real audio (N, T, A) over clips and time."""
    variance = float(truth.var(axis=(0, 1), dtype=np.float64).sum())
    noise = float((spread.astype(np.float64) ** 2).mean()) * truth.shape[-1]
    return float(np.sqrt(noise / variance)) if variance > 0 and np.isfinite(noise) else None


def _cosine_interval(
    generated: np.ndarray, real: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap
) -> list[float]:
    per_clip = np.array(
        [[mean_cosine(*clip) for clip in zip(g, real, strict=True)] for g in generated]
    )
    return _ratio_interval(np.where(usable, per_clip, 0.0), usable.astype(float), bootstrap)


def _r2_interval(
    generated: np.ndarray, real: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap
) -> list[float]:
    """Errors over variance, both resampled; the variance stays about the mean of all test clips."""
    error = ((generated - real) ** 2).sum(axis=(2, 3), dtype=np.float64)  # (S, N)
    about_mean = real - real[usable].mean(axis=(0, 1), dtype=np.float64)
    variance = (about_mean**2).sum(axis=(1, 2))
    low, high = _ratio_interval(
        np.where(usable, error, 0.0), np.where(usable, variance, 0.0), bootstrap
    )
    return [1.0 - high, 1.0 - low]


def _ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, bootstrap: GroupBootstrap
) -> list[float]:
    """Interval of sums (S, N) over sums (N,), over the resamples in which it is defined."""
    below = bootstrap.sums(denominator)  # (resamples,)
    defined = below > 0
    ratio = bootstrap.sums(numerator.T) / np.where(defined, below, 1.0)[:, None]
    return list(interval(bootstrap.over_seeds(ratio)[defined]))


def _label_map(
    made: np.ndarray, truth: np.ndarray, prototypes: np.ndarray, scores: np.ndarray
) -> dict[str, float | int | None]:
    """mAP of ranking clips for each label by cosine with its prototype; real is the ceiling."""
    present = scores >= PRESENT
    ranked = present.any(axis=0) & ~present.all(axis=0)
    if not ranked.any():
        return {"labels": 0, "generated": None, "real": None, "chance": None}
    seeds = [mean_average_precision(present, _closeness(one, prototypes)) for one in made]
    return {
        "labels": int(ranked.sum()),
        "generated": float(np.mean(seeds)),
        "real": mean_average_precision(present, _closeness(truth, prototypes)),
        "chance": float(present[:, ranked].mean()),
    }


def _closeness(audio: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    """Cosine (N, L) of each clip's mean feature with each label's prototype."""
    clips = audio.mean(axis=1, dtype=np.float64)
    lengths = np.linalg.norm(clips, axis=1)[:, None] * np.linalg.norm(prototypes, axis=1)[None, :]
    return clips @ prototypes.T / np.maximum(lengths, 1e-12)
