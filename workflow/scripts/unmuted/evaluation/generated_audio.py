"""How close generated audio features come to the real ones of test clips."""

from __future__ import annotations

from typing import Any

import numpy as np

from unmuted.evaluation.bootstrap import GroupBootstrap, interval
from unmuted.evaluation.metrics import mean_average_precision, mean_cosine, r2

MEASURES = {"cosine": mean_cosine, "r2": r2}
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
    close = likeness(generated, real, usable, bootstrap)
    made, truth = generated[:, usable], real[usable]
    if len(truth) == 0:
        return {**close, "spread_over_draws": None, "label_map": None}
    return {
        **close,
        "spread_over_draws": _spread_over_draws(spread[:, usable], truth),
        "label_map": _label_map(made, truth, prototypes, label_scores[usable]),
    }


def likeness(
    generated: np.ndarray, real: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """Cosine and R2 of generated with real audio, over the test clips that have usable sound.

    generated: (S, N, T, A), one a seed. real: (N, T, A) projected audio. usable: bool (N,).
    bootstrap: drawn over the groups of all N clips. Values are null where no clip is usable.
    """
    names = ("cosine", "cosine_ci95", "r2", "r2_ci95", "per_seed")
    made, truth = generated[:, usable], real[usable]
    if len(truth) == 0:
        return {"clips": 0, **dict.fromkeys(names)}
    per_seed = _per_seed(made, truth)
    return {
        "clips": len(truth),
        "cosine": float(np.mean(per_seed["cosine"])),
        "cosine_ci95": _cosine_interval(generated, real, usable, bootstrap),
        "r2": float(np.mean(per_seed["r2"])),
        "r2_ci95": _r2_interval(generated, real, usable, bootstrap),
        "per_seed": per_seed,
    }


def likeness_difference(
    first: np.ndarray,
    second: np.ndarray,
    real: np.ndarray,
    usable: np.ndarray,
    bootstrap: GroupBootstrap,
) -> dict[str, Any] | None:
    """How much closer `first` comes to real audio than `second`, paired by clip and seed.

    Arrays as in `likeness`; None where no clip is usable. Of cosine and of R2 the difference
    "delta", its interval "ci95" and the difference of each seed.
    """
    if not usable.any():
        return None
    one, other = (_per_seed(made[:, usable], real[usable]) for made in (first, second))
    cosine = np.subtract(_cosines(first, real), _cosines(second, real))  # (S, N)
    error = _errors(second, real) - _errors(first, real)  # what R2 is more by, but for its scale
    heard, variance = usable.astype(float), _variances(real, usable)
    intervals = {
        "cosine": _ratio_interval(np.where(usable, cosine, 0.0), heard, bootstrap),
        "r2": _ratio_interval(np.where(usable, error, 0.0), variance, bootstrap),
    }
    found = {}
    for name, ci95 in intervals.items():
        per_seed = np.subtract(one[name], other[name])
        delta = float(per_seed.mean())
        found[name] = {"delta": delta, "ci95": ci95, "per_seed": per_seed.tolist()}
    return found


def _per_seed(made: np.ndarray, truth: np.ndarray) -> dict[str, list[float]]:
    return {name: [of(one, truth) for one in made] for name, of in MEASURES.items()}


def _spread_over_draws(spread: np.ndarray, truth: np.ndarray) -> float | None:
    """Spread (S, N) as a share of that of real audio (N, T, A) over clips and time."""
    variance = float(truth.var(axis=(0, 1), dtype=np.float64).sum())
    noise = float((spread.astype(np.float64) ** 2).mean()) * truth.shape[-1]
    return float(np.sqrt(noise / variance)) if variance > 0 and np.isfinite(noise) else None


def _cosine_interval(
    generated: np.ndarray, real: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap
) -> list[float]:
    cosines = np.where(usable, _cosines(generated, real), 0.0)
    return _ratio_interval(cosines, usable.astype(float), bootstrap)


def _r2_interval(
    generated: np.ndarray, real: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap
) -> list[float]:
    """Errors over variance, both resampled."""
    error = np.where(usable, _errors(generated, real), 0.0)
    low, high = _ratio_interval(error, _variances(real, usable), bootstrap)
    return [1.0 - high, 1.0 - low]


def _cosines(generated: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Mean cosine (S, N) of each clip."""
    return np.array([[mean_cosine(*clip) for clip in zip(g, real, strict=True)] for g in generated])


def _errors(generated: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Summed squared error (S, N) of each clip."""
    return ((generated - real) ** 2).sum(axis=(2, 3), dtype=np.float64)


def _variances(real: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Summed squared distance (N,) of usable clips from the mean of all of them; 0 of others."""
    about_mean = real - real[usable].mean(axis=(0, 1), dtype=np.float64)
    return np.where(usable, (about_mean**2).sum(axis=(1, 2)), 0.0)


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
