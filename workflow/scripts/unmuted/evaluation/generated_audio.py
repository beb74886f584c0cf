"""Metrics of generated audio features against the real ones of test clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """Build the section "generation", over the test clips that have usable sound.

    generated: (S, N, T, A), one per seed. real: (N, T, A) projected audio. usable: bool (N,).
    spread: (S, N) over draws of the noise, NaN for one draw. prototypes: (L, A) of all training
    clips.
    label_scores: (N, L), AST on the real audio. bootstrap: drawn over the groups of all N clips.
    Values are null if no test clip has usable sound.
    """
    similarity = likeness(generated, real, usable, bootstrap)
    predicted, truth = generated[:, usable], real[usable]
    if len(truth) == 0:
        return {**similarity, "spread_over_draws": None, "label_map": None}
    return {
        **similarity,
        "spread_over_draws": _spread_over_draws(spread[:, usable], truth),
        "label_map": _label_map(predicted, truth, prototypes, label_scores[usable]),
    }


def likeness(
    generated: np.ndarray, real: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap
) -> dict[str, Any]:
    """Compute cosine and R2 of generated and real audio, over test clips with usable sound.

    generated: (S, N, T, A), one per seed. real: (N, T, A) projected audio. usable: bool (N,).
    bootstrap: drawn over the groups of all N clips. Values are null if no clip is usable.
    """
    names = ("cosine", "cosine_ci95", "r2", "r2_ci95", "per_seed")
    predicted, truth = generated[:, usable], real[usable]
    if len(truth) == 0:
        return {"clips": 0, **dict.fromkeys(names)}
    per_seed = _per_seed(predicted, truth)
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
    """Compute how much closer `first` is to real audio than `second`, paired by clip and seed.

    Arrays as in `likeness`; None if no clip is usable. Cosine and R2 have the difference "delta",
    its interval "ci95" and the difference of each seed.
    """
    if not usable.any():
        return None
    of_first, of_second = (_per_seed(a[:, usable], real[usable]) for a in (first, second))
    cosine = np.subtract(_cosines(first, real), _cosines(second, real))  # (S, N)
    error = _errors(second, real) - _errors(first, real)  # the difference in R2, before scaling
    has_audio, variance = usable.astype(float), _variances(real, usable)
    intervals = {
        "cosine": _ratio_interval(np.where(usable, cosine, 0.0), has_audio, bootstrap),
        "r2": _ratio_interval(np.where(usable, error, 0.0), variance, bootstrap),
    }
    differences: dict[str, dict[str, Any]] = {}
    for name, ci95 in intervals.items():
        per_seed = np.subtract(of_first[name], of_second[name])
        delta = float(per_seed.mean())
        differences[name] = {"delta": delta, "ci95": ci95, "per_seed": per_seed.tolist()}
    return differences


def figures_of(
    generated: np.ndarray,
    real: np.ndarray,
    usable: np.ndarray,
    labels: np.ndarray,
    bootstrap: GroupBootstrap,
    baselines: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Compute three kinds of R2 of generated audio, and how they differ from those of baselines.

    "r2" is that of `likeness`; "r2_over_time" is that of what is left when the mean over time of
    each clip is taken from both; "r2_within_class" when the mean of each class at each time step,
    over test clips, is taken from both: what is known beyond the class.

    generated: (S, N, T, A), one per seed. real: (N, T, A) projected audio. usable: bool (N,).
    labels: int (N,). bootstrap: drawn over the groups of all N clips. baselines: (N, T, A), or
    (S, N, T, A), by name. A value is null where there is nothing to explain: no usable test clip,
    or one clip a class.
    """
    classes = np.where(usable, labels, -1)
    kinds = {kind: remove(real, classes) for kind, remove in REMOVED.items()}
    sections: dict[str, Any] = {"baselines": {name: {} for name in baselines}}
    for kind, truth in kinds.items():
        remove = REMOVED[kind]
        variance = np.where(usable, (truth**2).sum(axis=(1, 2)), 0.0)  # (N,)

        def errors(
            audio: np.ndarray, truth: np.ndarray = truth, remove: Callable = remove
        ) -> np.ndarray:
            """Return the summed squared error (S, N) of usable clips."""
            by_seed = audio if audio.ndim == 4 else audio[None]
            about = [remove(of_seed, classes, real) for of_seed in by_seed]
            each = np.stack([((a - truth) ** 2).sum(axis=(1, 2)) for a in about])
            return np.broadcast_to(np.where(usable, each, 0.0), (len(generated), len(real)))

        of_generated = errors(generated)
        sections[kind] = _explained(of_generated, variance, bootstrap)
        for name, audio in baselines.items():
            of_baseline = errors(audio)
            less = _explained(of_generated - of_baseline, variance, bootstrap, offset=0.0)
            found = _explained(of_baseline, variance, bootstrap)
            sections["baselines"][name][kind] = {
                "value": found["value"],
                "ci95": found["ci95"],
                "difference": {"delta": less["value"], "ci95": less["ci95"]},
            }
    return sections


def _less_mean(
    audio: np.ndarray, classes: np.ndarray, real: np.ndarray | None = None
) -> np.ndarray:
    """Take the mean of real audio over usable clips and time from audio (N, T, A)."""
    reference = audio if real is None else real
    if not (classes >= 0).any():
        return audio.astype(np.float64)
    return audio - reference[classes >= 0].mean(axis=(0, 1), dtype=np.float64)


def _less_clip_means(
    audio: np.ndarray, classes: np.ndarray, real: np.ndarray | None = None
) -> np.ndarray:
    """Take each clip's mean over time from audio (N, T, A)."""
    return audio - audio.mean(axis=1, keepdims=True, dtype=np.float64)


def _less_class_means(
    audio: np.ndarray, classes: np.ndarray, real: np.ndarray | None = None
) -> np.ndarray:
    """Take the mean of each class at each time step, over usable clips, from audio (N, T, A)."""
    left = audio.astype(np.float64)
    for label in np.unique(classes[classes >= 0]):
        left[classes == label] -= left[classes == label].mean(axis=0)
    return left


REMOVED: Mapping[str, Callable[..., np.ndarray]] = {
    "r2": _less_mean,
    "r2_over_time": _less_clip_means,
    "r2_within_class": _less_class_means,
}


def _explained(
    errors: np.ndarray, variance: np.ndarray, bootstrap: GroupBootstrap, offset: float = 1.0
) -> dict[str, Any]:
    """Compute offset - errors (S, N) / variance (N,), with its interval, in all and by seed."""
    total = variance.sum()
    if total <= 0:
        return {"value": None, "ci95": None, "per_seed": None}
    per_seed = offset - errors.sum(axis=1) / total
    low, high = _ratio_interval(errors, variance, bootstrap)
    return {
        "value": float(per_seed.mean()),
        "ci95": [offset - high, offset - low],
        "per_seed": per_seed.tolist(),
    }


def _per_seed(predicted: np.ndarray, truth: np.ndarray) -> dict[str, list[float]]:
    return {name: [of(seed, truth) for seed in predicted] for name, of in MEASURES.items()}


def _spread_over_draws(spread: np.ndarray, truth: np.ndarray) -> float | None:
    """Compute the spread (S, N) as a share of that of real audio (N, T, A)."""
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
    """Compute the interval of R2: errors over variance, both resampled."""
    error = np.where(usable, _errors(generated, real), 0.0)
    low, high = _ratio_interval(error, _variances(real, usable), bootstrap)
    return [1.0 - high, 1.0 - low]


def _cosines(generated: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Compute the mean cosine (S, N) of each clip."""
    return np.array([[mean_cosine(*clip) for clip in zip(g, real, strict=True)] for g in generated])


def _errors(generated: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Compute the summed squared error (S, N) of each clip."""
    return ((generated - real) ** 2).sum(axis=(2, 3), dtype=np.float64)


def _variances(real: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Compute the summed squared distance (N,) of usable clips from their mean; 0 for others."""
    about_mean = real - real[usable].mean(axis=(0, 1), dtype=np.float64)
    return np.where(usable, (about_mean**2).sum(axis=(1, 2)), 0.0)


def _ratio_interval(
    numerator: np.ndarray, denominator: np.ndarray, bootstrap: GroupBootstrap
) -> list[float]:
    """Compute the interval of sums (S, N) over sums (N,), over resamples where it is defined."""
    below = bootstrap.sums(denominator)  # (resamples,)
    defined = below > 0
    ratio = bootstrap.sums(numerator.T) / np.where(defined, below, 1.0)[:, None]
    return list(interval(bootstrap.over_seeds(ratio)[defined]))


def _label_map(
    predicted: np.ndarray, truth: np.ndarray, prototypes: np.ndarray, scores: np.ndarray
) -> dict[str, float | int | None]:
    """Compute the mAP of ranking clips by cosine with each prototype; real is the ceiling."""
    present = scores >= PRESENT
    ranked = present.any(axis=0) & ~present.all(axis=0)
    if not ranked.any():
        return {"labels": 0, "generated": None, "real": None, "chance": None}
    seeds = [
        mean_average_precision(present, _closeness(of_seed, prototypes)) for of_seed in predicted
    ]
    return {
        "labels": int(ranked.sum()),
        "generated": float(np.mean(seeds)),
        "real": mean_average_precision(present, _closeness(truth, prototypes)),
        "chance": float(present[:, ranked].mean()),
    }


def _closeness(audio: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    """Compute cosines (N, L) of each clip's mean feature with each label's prototype."""
    clips = audio.mean(axis=1, dtype=np.float64)
    lengths = np.linalg.norm(clips, axis=1)[:, None] * np.linalg.norm(prototypes, axis=1)[None, :]
    return clips @ prototypes.T / np.maximum(lengths, 1e-12)
