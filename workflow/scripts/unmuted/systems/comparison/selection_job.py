"""The choice of the comparison's checkpoints and filters on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import STATISTICS, SWAPPED, leaking_arms
from unmuted.evaluation.metrics import accuracy
from unmuted.samples.experiment import VIEWS, Clip, Experiment
from unmuted.samples.missing_audio import is_missing
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.arch1.filter_rule import filter_rule, keep, similarities, video_posterior
from unmuted.systems.classifier.selection import select_snapshot
from unmuted.systems.comparison.chosen_arms import REAL_OR, at_percentile, chosen_arms
from unmuted.systems.comparison.imputation import AudioStatistics
from unmuted.systems.comparison.inputs import (
    ArmInputs,
    load_arm_inputs,
    swapped_audio,
    training_statistics,
)
from unmuted.systems.shared.projection import Projection

MISSING = 0.5  # share of the validation clips without their sound, for classifiers that fill it


Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def select(
    tasks: Sequence[Task],
    experiment: Experiment,
    classifiers: Classifiers,
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Of each unit and seed the chosen checkpoint; of each filter its percentile and thresholds."""
    from unmuted.inference.device import use_device

    device = str(use_device(job.config["device"], job.threads))
    projection, clips = Projection(**pca.tensors()), experiment.split("val")
    chosen, masks = chosen_arms(job.config), job.config["missing"]["seed"]
    has_statistics, has_swapped = chosen.prepares(STATISTICS), chosen.prepares(SWAPPED)
    train = experiment.split("train")
    statistics = training_statistics(train, projection) if has_statistics else None
    swapped = swapped_audio(clips, projection, masks) if has_swapped else None
    labels = experiment.labels(clips)
    judged = _judge(chosen.filters, clips, labels, job.config["filter"])
    inputs = load_arm_inputs(clips, projection, statistics, swapped, judged.kept, masks)
    has_audio = np.array([not is_missing(clip.key, masks, MISSING) for clip in clips])
    for task in tasks:
        choices = {
            unit: [
                _choice(arms[unit], unit, inputs, index, has_audio, labels, device) | {"seed": seed}
                for index, (seed, arms) in enumerate(classifiers.items())
            ]
            for unit in next(iter(classifiers.values()))
        }
        yield Result(
            task.name,
            {
                "validation_clips": len(clips),
                "units": choices,
                "filters": {
                    arm: _filter_choice(arm, chosen.percentiles, choices, judged)
                    for arm in chosen.filters
                },
                "oracle_thresholds": judged.oracle,
                "random_statistics": _as_lists(statistics) if has_statistics else None,
            },
        )


def _as_lists(statistics: AudioStatistics) -> dict[str, list[float]]:
    return {name: values.tolist() for name, values in vars(statistics).items()}


@dataclass(frozen=True)
class Judged:
    """What the validation clips say about the filters.

    limits: thresholds, one a seed, by filter's name with percentile; kept: bool (N, S), by the same
    name. oracle: thresholds of the filter that is told the answer, by percentile.
    """

    limits: Mapping[str, list[float]]
    kept: Mapping[str, np.ndarray]
    oracle: Mapping[str, list[float]]


def _judge(
    filters: Sequence[str],
    clips: Sequence[Clip],
    labels: np.ndarray,
    settings: Mapping[str, object],
) -> Judged:
    rule, leaks = filter_rule(settings), leaking_arms(settings)
    posterior = video_posterior(clips) if filters else None
    limits, kept, oracle = {}, {}, {}
    for arm in filters:
        known = labels if arm in leaks else None
        similarity = rule.judge(similarities(clips, arm), posterior, known)
        for percentile in rule.percentiles:
            unit = at_percentile(arm, percentile)
            limits[unit] = rule.thresholds(similarity, percentile)
            kept[unit] = keep(similarity, limits[unit])
    if "filtered" in filters:
        true = true_similarity(similarities(clips, "filtered"), labels)
        oracle = {f"{p:g}": rule.thresholds(true, p) for p in rule.percentiles}
    return Judged(limits, kept, oracle)


def _choice(
    artifact: Artifact,
    unit: str,
    inputs: ArmInputs,
    index: int,
    has_audio: np.ndarray,
    labels: np.ndarray,
    device: str,
) -> dict[str, object]:
    from unmuted.systems.classifier.training import predict
    from unmuted.training.checkpoints import unpack_fit

    fit = unpack_fit(artifact.tensors())
    x = inputs.of_unit(unit, index, has_audio if unit.startswith(REAL_OR) else None)
    predicted = [predict(state, x, device) for state in fit.snapshots]
    choice = select_snapshot(predicted, labels)
    return {
        "snapshot": choice.index,
        "epoch": fit.epochs[choice.index],
        "log_losses": choice.log_losses,
        "accuracy": accuracy(labels, predicted[choice.index].argmax(axis=1)),
    }


def _filter_choice(
    arm: str,
    percentiles: Sequence[float],
    choices: Mapping[str, Sequence[Mapping[str, object]]],
    judged: Judged,
) -> dict[str, object]:
    """The percentile with the least mean log-loss over seeds, the smallest of equals."""
    always = at_percentile(arm, percentiles[0]) in choices
    candidates = []
    for percentile in percentiles:
        unit = at_percentile(arm, percentile)
        of_unit = choices.get(unit if always else f"{REAL_OR}{unit}", [])
        losses = [min(choice["log_losses"]) for choice in of_unit]
        right = [choice["accuracy"] for choice in of_unit]
        candidates.append(
            {
                "percentile": percentile,
                "log_loss": float(np.mean(losses)) if losses else None,
                "accuracy": right,
                "thresholds": judged.limits[unit],
                "kept_share": [float(share) for share in judged.kept[unit].mean(axis=0)],
            }
        )
    tried = [candidate for candidate in candidates if candidate["log_loss"] is not None]
    best = min(tried, key=lambda candidate: candidate["log_loss"]) if tried else None
    return {"chosen": best and best["percentile"], "candidates": candidates}


def choice_inputs(
    experiment: Experiment, classifiers: Classifiers, job: Job, pca: Artifact
) -> dict[str, object]:
    """What the choice reads, for its fingerprint: also how the sound of training clips varies."""
    chosen = chosen_arms(job.config)
    stages = (*VIEWS, *chosen.audio, *chosen.posterior)
    train = experiment.split("train") if chosen.prepares(STATISTICS) else []
    return {
        "clips": sorted(
            [clip.label, clip.group, *clip.digests(*stages)] for clip in experiment.split("val")
        ),
        "filters": chosen.filters,
        "training_sound": sorted(clip.digests("vit_rgb", "ast") for clip in train),
        "projection": pca.row.digest,
        "classifiers": {
            seed: {unit: artifact.row.digest for unit, artifact in units.items()}
            for seed, units in classifiers.items()
        },
    }
