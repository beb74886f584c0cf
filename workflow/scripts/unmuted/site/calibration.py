"""The calibration of arms: their errors, and the reliability diagrams that these sum up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.figures.reliability import Reliability, reliability_diagrams
from unmuted.site.drawn import drawn
from unmuted.site.figures import CalibrationError, calibration_errors
from unmuted.site.sections import Block, Cell, Figure, Table

TEXT = (
    "Smaller is better. The expected calibration error (ECE) of few clips is mostly luck: debiased "
    "is what is left, about 0 for a calibrated classifier. The reliability diagrams (Guo et al. "
    "2017) show what it sums up: the predictions of all seeds in its 15 bins. The ECE of an arm is "
    "the mean over seeds of the error of each; the column “part of the ECE” sums up to it."
)
MOST_DIAGRAMS = 12
_BIN = ("confidence above %", "up to %")


def calibration_block(report: Mapping[str, Any], key: str, caption: str) -> Block:
    """Show the calibration error of every arm beside that of luck, its bins, and other losses."""
    arms = report["arms"]
    figures = [_errors(arms, key, caption), _diagrams(arms, key, caption)]
    tables = []
    if len(report["provenance"]["seeds"]) > 1:
        seeds = report["provenance"]["seeds"]
        columns = ("arm", "seed", *_BIN, "predictions", "confidence %", "accuracy %")
        rows = [row for name, arm in arms.items() for row in _by_seed(name, arm["ece"], seeds)]
        tables = [Table(columns, rows, "The bins of each seed", f"{key}_reliability_by_seed")]
    return Block("Calibration", TEXT, figures=figures, tables=tables)


def _errors(arms: Mapping[str, Any], key: str, caption: str) -> Figure:
    columns = ("arm", "Brier", "log-loss", "ECE %", "ECE by luck %", "ECE debiased %")
    rows = [
        (
            name,
            arm["brier"]["mean"],
            arm["log_loss"]["mean"],
            *(100 * arm["ece"][k] for k in ("mean", "expected_under_calibration", "debiased")),
        )
        for name, arm in arms.items()
    ]
    table = Table(columns, rows, "Probabilities", f"{key}_calibration")
    errors = [
        CalibrationError(
            name,
            arm["ece"]["mean"],
            arm["ece"]["expected_under_calibration"],
            arm["ece"]["per_seed"],
        )
        for name, arm in arms.items()
    ]
    alt = "Expected calibration error by arm, and what a calibrated classifier would have: "
    alt += ", ".join(
        f"{one.name} {100 * one.mean:.1f} % beside {100 * one.by_luck:.1f} %" for one in errors
    )
    return drawn(calibration_errors, errors, caption, alt=alt, table=table)


def _diagrams(arms: Mapping[str, Any], key: str, caption: str) -> Figure:
    columns = ("arm", *_BIN, "predictions", "confidence %", "accuracy %", "part of the ECE %")
    rows = [row for name, arm in arms.items() for row in _of_all_seeds(name, arm["ece"])]
    about = "Predictions of all seeds by confidence; bins without any are left out"
    table = Table(columns, rows, about, f"{key}_reliability")
    names = _drawn_arms(arms)
    shown = [_pooled(name, arms[name]["ece"]["bins"]) for name in names]
    if len(names) < len(arms):
        caption = f"{len(names)} of {len(arms)} arms; the table has all. {caption}"
    alt = "Reliability diagrams: " + "; ".join(
        f"{one.name} is right in {100 * _accuracy(one):.1f} % of its predictions and expects "
        f"{100 * _confidence(one):.1f} %"
        for one in shown
    )
    return drawn(reliability_diagrams, shown, caption, alt=alt, table=table)


def _drawn_arms(arms: Mapping[str, Any]) -> list[str]:
    """Return the arms that are drawn: all, or the first of many, controls and leaks last."""
    aside = [n for n, arm in arms.items() if arm.get("leaks") or arm.get("role", "arm") != "arm"]
    chosen = [*(name for name in arms if name not in aside), *aside][:MOST_DIAGRAMS]
    return [name for name in arms if name in chosen]


def _arrays(bins: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictions, right ones, and the sum of confidences: (S, B) each."""
    clips, correct = np.array(bins["clips"]), np.array(bins["correct"])
    confidence = np.array(bins["confidence"], dtype=np.float64)  # None becomes NaN
    return clips, correct, np.nan_to_num(confidence) * clips


def _pooled(name: str, bins: Mapping[str, Any]) -> Reliability:
    """Return the bins of all seeds together."""
    clips, correct, confidence = (values.sum(axis=0) for values in _arrays(bins))
    counts = [int(count) for count in clips]
    return Reliability(
        name,
        counts,
        [float(confidence[i]) / n if n else None for i, n in enumerate(counts)],
        [float(correct[i]) / n if n else None for i, n in enumerate(counts)],
    )


def _of_all_seeds(name: str, ece: Mapping[str, Any]) -> Iterator[Sequence[Cell]]:
    """Yield a row for each bin: means over the predictions of all seeds, and its part of the ECE.

    The part is the mean over seeds of the gap, whatever its sign, weighted by predictions.
    """
    pooled = _pooled(name, ece["bins"])
    clips, correct, confidence = _arrays(ece["bins"])
    parts = np.abs(confidence - correct).sum(axis=0) / clips.sum()
    for i, count in enumerate(pooled.predictions):
        means = pooled.confidence[i], pooled.accuracy[i]
        if count:
            shares = [None if mean is None else 100 * mean for mean in means]
            yield (name, *_edges(i, len(parts)), count, *shares, 100 * float(parts[i]))


def _by_seed(name: str, ece: Mapping[str, Any], seeds: Sequence[int]) -> Iterator[Sequence[Cell]]:
    """Yield a row for each bin of each seed, without empty ones."""
    clips, correct, confidence = _arrays(ece["bins"])
    for (seed, i), count in np.ndenumerate(clips):
        if count:
            shares = (100 * float(total[seed, i] / count) for total in (confidence, correct))
            yield (name, seeds[seed], *_edges(i, clips.shape[1]), int(count), *shares)


def _edges(number: int, count: int) -> tuple[float, float]:
    return 100 * number / count, 100 * (number + 1) / count


def _accuracy(arm: Reliability) -> float:
    return _mean(arm.accuracy, arm.predictions)


def _confidence(arm: Reliability) -> float:
    return _mean(arm.confidence, arm.predictions)


def _mean(values: Sequence[float | None], counts: Sequence[int]) -> float:
    summed = sum((value or 0.0) * count for value, count in zip(values, counts, strict=True))
    return summed / max(sum(counts), 1)
