"""The comparison's figures, from its report and the histories of its fits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from unmuted.engine.job import ReportJob
from unmuted.evaluation.arms import REFERENCE
from unmuted.evaluation.figures.arms import ArmAccuracy, accuracy_by_arm
from unmuted.evaluation.figures.confusion import confusion_matrix
from unmuted.evaluation.figures.differences import Difference, differences
from unmuted.evaluation.figures.missing_rates import accuracy_over_missing
from unmuted.evaluation.figures.style import LEAKS, Band, sample_size, save
from unmuted.evaluation.figures.threshold import threshold_tradeoff
from unmuted.evaluation.figures.training import training_curves
from unmuted.evaluation.tested import TestedClips
from unmuted.samples.experiment import FULL
from unmuted.samples.source_groups import UNIT
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.sections import ComparisonData
from unmuted.systems.pilot.fits import joint_unit

FORMATS = (".svg", ".png")
MEASURES = {"area": "Mean over all rates", "largest_rate": "At the largest rate"}
SHOWN = ("video_only", "generated_arch2", "filtered", "real_audio")  # as confusion matrices


def draw_figures(
    folder: Path,
    job: ReportJob,
    tested: TestedClips,
    compared: ComparisonData,
    report: Mapping[str, Any],
) -> None:
    """Write every figure as SVG and PNG into a folder."""
    caption = sample_size(len(tested.clips), tested.bootstrap.draws.shape[1], len(job.seeds))
    figures = {
        "accuracy_by_arm": accuracy_by_arm(
            [_accuracy(name, arm) for name, arm in report["arms"].items()],
            REFERENCE,
            caption,
            1 / len(tested.experiment.classes),
        ),
    }
    if histories := _histories(job):
        figures["training_curves"] = training_curves(histories, caption)
    for rate, kinds in report["missing"]["curves"].items():
        figures[f"missing_audio_trained_with_{rate}_missing"] = accuracy_over_missing(
            report["missing"]["test_rates"],
            {kind: {arm: _band(c) for arm, c in arms.items()} for kind, arms in kinds.items()},
            REFERENCE,
            f"{caption} {_trained(rate)}",
            [arm for arms in kinds.values() for arm, curve in arms.items() if curve["leaks"]],
        )
    for rate, measures in report["missing"]["contrasts"].items():
        if not measures["area"]:
            continue
        figures[f"missing_audio_differences_trained_with_{rate}_missing"] = differences(
            {MEASURES[name]: _differences(pairs) for name, pairs in measures.items()},
            "Differences in accuracy where test clips lack their audio stream",
            f"Clips that have their sound keep it. {caption} {_trained(rate)}",
        )
    leaks = [name for name, role in compared.roles.items() if role == "leaks"]
    if "filtered" in report["filter"]:
        found = report["filter"]["filtered"]
        figures["filter_threshold"] = _threshold(found, tested, job, leaks)
    for name in [name for name in SHOWN if name in compared.arms]:
        figures[f"confusion_{name}"] = confusion_matrix(
            _confusion(compared, name), tested.experiment.classes, name, caption, name in leaks
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        for suffix in FORMATS:
            save(figure, folder / f"{name}{suffix}")


def _accuracy(name: str, arm: Mapping[str, Any]) -> ArmAccuracy:
    found = arm["accuracy"]
    low, high = found["ci95"]
    return ArmAccuracy(name, found["mean"], low, high, found["per_seed"], arm["role"])


def _trained(rate: str) -> str:
    return f"{float(rate):.0%} of the training clips without their sound."


def _differences(pairs: Mapping[str, Mapping[str, Any]]) -> list[Difference]:
    return [
        Difference(name, one["delta"], *one["ci95"], one["p_adjusted"], one["leaks"])
        for name, one in pairs.items()
    ]


def _band(curve: Mapping[str, Any]) -> Band:
    points = curve["accuracy"]
    low, high = zip(*(point["ci95"] for point in points), strict=True)
    return Band([point["mean"] for point in points], low, high)


def _threshold(
    found: Mapping[str, Any], tested: TestedClips, job: ReportJob, leaks: Collection[str]
) -> Figure:
    """Accuracy on validation clips: what the percentile was chosen by, not a result."""
    candidates = found["candidates"]
    right = [one["accuracy"] for one in candidates]
    kept = [float(np.mean(one["kept_share"])) for one in candidates]
    val = tested.experiment.split("val")
    caption = sample_size(len(val), len({clip.group for clip in val}), len(job.seeds), "validation")
    return threshold_tradeoff(
        [one["percentile"] for one in candidates],
        {"validation": kept},
        {
            "validation": Band(
                [np.mean(r) for r in right], [min(r) for r in right], [max(r) for r in right]
            )
        },
        found["chosen"],
        "lowest to highest seed",
        caption + (f" The filter {LEAKS}." if "filtered" in leaks else ""),
    )


def _confusion(compared: ComparisonData, name: str) -> np.ndarray:
    """float (C, C): clips by true and predicted class, averaged over seeds."""
    probabilities = compared.arms[name].probabilities  # (S, N, C)
    seeds, _, classes = probabilities.shape
    counts = np.zeros((classes, classes))
    for predicted in probabilities.argmax(axis=2):
        np.add.at(counts, (compared.labels, predicted), 1 / seeds)
    return counts


def _histories(job: ReportJob) -> dict[str, dict[int, list[float]]]:
    """Training losses by system and seed: of what is fitted on all training clips.

    Only of the systems that some arm is made of.
    """
    read = chosen_arms(job.config).reads["comparison"]
    return {
        name: {
            seed: _loss(fits[unit(job)].tensors()) for seed, fits in job.fits_by_seed(stage).items()
        }
        for name, (stage, unit) in SYSTEMS.items()
        if stage in read
    }


def _pilot_unit(job: ReportJob) -> str:
    return joint_unit(job.fits("pilot_selection")["all"].json()["lambda"], FULL)


SYSTEMS = {  # by name the stage of a system's fits, and which of them learns from all clips
    "architecture 1": ("video_generator", lambda _: FULL),
    "architecture 2": ("generator", lambda _: FULL),
    "pilot": ("pilot", _pilot_unit),
    "CNN-RNN": ("cnn_rnn", lambda _: UNIT),
}


def _loss(state: Mapping[str, np.ndarray]) -> list[float]:
    curves = {k.removeprefix("history."): v for k, v in state.items() if k.startswith("history.")}
    return (curves["loss"] if "loss" in curves else sum(curves.values())).tolist()
