"""The figures of the comparison, from its report and the training histories of its fits."""

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
from unmuted.evaluation.figures.severity import accuracy_over_severity
from unmuted.evaluation.figures.style import LEAKS, Band, sample_size, save
from unmuted.evaluation.figures.threshold import threshold_tradeoff
from unmuted.evaluation.figures.training import training_curves
from unmuted.evaluation.tested import TestedClips
from unmuted.samples.degraded_sound import KINDS
from unmuted.samples.fits import ALL_TRAINING, FULL, ONLY_FIT, fold_name
from unmuted.systems.comparison.chosen_arms import chosen_arms
from unmuted.systems.comparison.sections import ComparisonData
from unmuted.systems.pilot.fits import joint_fit

FORMATS = (".svg", ".png")
FAMILIES = {  # of contrasts, by the title of their figure
    "Differences in accuracy: the primary contrast and the other hypotheses": (
        "primary",
        "hypothesis",
    ),
    "Differences in accuracy of controls, which must not win": ("control",),
    "Differences in accuracy: ceilings and leaks": ("ceiling",),
}
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
            [_accuracy(name, arm, report["contrasts"]) for name, arm in report["arms"].items()],
            REFERENCE,
            caption,
            1 / len(tested.experiment.classes),
        ),
    }
    figures |= _contrast_figures(report["contrasts"], caption)
    if histories := _histories(job):
        figures["training_curves"] = training_curves(histories, caption, units=UNITS)
    figures |= _severity(report["missing"], caption)
    for rate, pairs in report["missing"]["contrasts"].items():
        if not pairs:
            continue
        figures[f"missing_audio_differences_trained_with_{rate}_missing"] = differences(
            {"No clip has its sound": _differences(pairs)},
            "Differences in accuracy where test clips lack their audio stream",
            f"Systems that keep a clip's own sound and impute what is missing. {caption} "
            f"{_trained(rate)}",
        )
    leaks = [name for name, role in compared.roles.items() if role == "leaks"]
    if "filtered" in report["filter"]:
        choice = report["filter"]["filtered"]
        figures["filter_threshold"] = _threshold(choice, tested, job, leaks)
    for name in [name for name in SHOWN if name in compared.arms]:
        figures[f"confusion_{name}"] = confusion_matrix(
            _confusion(compared, name), tested.experiment.classes, name, caption, name in leaks
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        for suffix in FORMATS:
            save(figure, folder / f"{name}{suffix}")


def _accuracy(
    name: str, arm: Mapping[str, Any], contrasts: Mapping[str, Mapping[str, Any]]
) -> ArmAccuracy:
    accuracy = arm["accuracy"]
    low, high = accuracy["ci95"]
    judged = contrasts.get(f"{name}-{REFERENCE}", {}).get("control", {})
    return ArmAccuracy(
        name,
        accuracy["mean"],
        low,
        high,
        accuracy["per_seed"],
        arm["role"],
        judged.get("status", ""),
    )


def _contrast_figures(
    contrasts: Mapping[str, Mapping[str, Any]], caption: str
) -> dict[str, Figure]:
    """Draw the contrasts of each family, in a figure of its own."""
    figures = {}
    for title, families in FAMILIES.items():
        shown = {name: pair for name, pair in contrasts.items() if pair["family"] in families}
        if shown:
            panels = {"Accuracy": _differences(shown)}
            figures[f"contrasts_{families[0]}"] = differences(panels, title, caption)
    return figures


def _severity(missing: Mapping[str, Any], caption: str) -> dict[str, Figure]:
    """Draw accuracy over severity, one figure for each rate of training and kind of damage."""
    return {
        f"severity_{kind}_trained_with_{rate}_missing": accuracy_over_severity(
            kind,
            curves[kind]["levels"],
            {arm: _band(curve) for arm, curve in curves[kind]["arms"].items()},
            REFERENCE,
            f"{caption} {_trained(rate)}",
            [arm for arm, curve in curves[kind]["arms"].items() if curve["leaks"]],
        )
        for rate, curves in missing["severity"].items()
        if curves is not None
        for kind in KINDS
    }


def _trained(rate: str) -> str:
    return f"{float(rate):.0%} of the training clips without their sound."


def _differences(pairs: Mapping[str, Mapping[str, Any]]) -> list[Difference]:
    return [
        Difference(name, pair["delta"], low, high, pair["p_adjusted"], pair["leaks"], _words(pair))
        for name, pair in pairs.items()
        for low, high in [pair["ci95"]]
    ]


def _words(pair: Mapping[str, Any]) -> str:
    return pair["control"]["status"] if "control" in pair else pair["verdict"]


def _band(curve: Mapping[str, Any]) -> Band:
    points = curve["accuracy"]
    low, high = zip(*(point["ci95"] for point in points), strict=True)
    return Band([point["mean"] for point in points], low, high)


def _threshold(
    choice: Mapping[str, Any], tested: TestedClips, job: ReportJob, leaks: Collection[str]
) -> Figure:
    """Draw the accuracy on validation clips of each percentile; it is no result."""
    candidates = choice["candidates"]
    accuracies = [candidate["accuracy"] for candidate in candidates]
    kept = [float(np.mean(candidate["kept_share"])) for candidate in candidates]
    val = tested.experiment.split("val")
    caption = sample_size(len(val), len({clip.group for clip in val}), len(job.seeds), "validation")
    return threshold_tradeoff(
        [candidate["percentile"] for candidate in candidates],
        {"validation": kept},
        {
            "validation": Band(
                [np.mean(seeds) for seeds in accuracies],
                [min(seeds) for seeds in accuracies],
                [max(seeds) for seeds in accuracies],
            )
        },
        choice["chosen"],
        "lowest to highest seed",
        caption + (f" The filter {LEAKS}." if "filtered" in leaks else ""),
    )


def _confusion(compared: ComparisonData, name: str) -> np.ndarray:
    """Count clips by true and predicted class, averaged over seeds: float (C, C)."""
    probabilities = compared.arms[name].probabilities  # (S, N, C)
    seeds, _, classes = probabilities.shape
    counts = np.zeros((classes, classes))
    for predicted in probabilities.argmax(axis=2):
        np.add.at(counts, (compared.clips.labels, predicted), 1 / seeds)
    return counts


def _histories(job: ReportJob) -> dict[str, dict[int, list[float]]]:
    """Read the training losses of the fits on all training clips, by system and seed.

    Only systems behind a chosen arm are included.
    """
    read = chosen_arms(job.config).reads["comparison"]
    return {
        name: {
            seed: _loss(fits[fit_of(job)].tensors())
            for seed, fits in job.fits_by_seed(stage).items()
        }
        for name, (stage, fit_of) in SYSTEMS.items()
        if stage in read
    }


def _pilot_fit(job: ReportJob) -> str:
    return joint_fit(job.fits("pilot_selection")[ONLY_FIT].json()["lambda"], ALL_TRAINING)


def _generator_fit(job: ReportJob) -> str:
    """Return the fit on all training clips if it is asked for, else the first fold's."""
    return ALL_TRAINING if job.config["generator"]["serve"] == FULL else fold_name(0)


UNITS = dict.fromkeys(("architecture 1", "architecture 2"), "Checkpoint")  # between their losses
SYSTEMS = {  # by name: the stage of a system's fits, and which of them is drawn
    "architecture 1": ("video_generator", _generator_fit),
    "architecture 2": ("generator", _generator_fit),
    "pilot": ("pilot", _pilot_fit),
    "CNN-RNN": ("cnn_rnn", lambda _: ONLY_FIT),
}


def _loss(state: Mapping[str, np.ndarray]) -> list[float]:
    curves = {k.removeprefix("history."): v for k, v in state.items() if k.startswith("history.")}
    loss = curves["loss"] if "loss" in curves else np.asarray(sum(curves.values()))
    return loss.tolist()
