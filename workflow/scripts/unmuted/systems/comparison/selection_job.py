"""The choice of the comparison's checkpoints and filters on validation clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import COMPARISON_ARMS, STATISTICS, SWAPPED, leaking_arms
from unmuted.evaluation.metrics import accuracy
from unmuted.samples.experiment import VIEWS, Clip, Experiment
from unmuted.samples.missing_audio import is_missing
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.arch1.filter_rule import (
    Decisions,
    FilterRule,
    decide,
    filter_rule,
    similarities,
)
from unmuted.systems.classifier.selection import select_snapshot
from unmuted.systems.comparison.chosen_arms import REAL_OR, ChosenArms, at_percentile, chosen_arms
from unmuted.systems.comparison.imputation import AudioStatistics
from unmuted.systems.comparison.inputs import (
    ArmInputs,
    load_arm_inputs,
    swapped_audio,
    training_statistics,
)
from unmuted.systems.shared.projection import Projection

MISSING = 0.5  # share of validation clips without their sound, for classifiers that impute it

Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and fit


def select(
    tasks: Sequence[Task],
    experiment: Experiment,
    classifiers: Classifiers,
    job: Job,
    pca: Artifact,
) -> Iterator[Result]:
    """Choose a checkpoint for each fit and seed, and a percentile for each filter."""
    from unmuted.inference.device import use_device

    device = str(use_device(job.config["device"], job.threads))
    projection, clips = Projection(**pca.tensors()), experiment.split("val")
    chosen, masks = chosen_arms(job.config), job.config["missing"]["seed"]
    has_statistics, has_swapped = chosen.prepares(STATISTICS), chosen.prepares(SWAPPED)
    train = experiment.split("train")
    statistics = training_statistics(train, projection) if has_statistics else None
    swapped = swapped_audio(clips, projection, masks) if has_swapped else None
    labels = experiment.labels(clips)
    rule, leaks = filter_rule(job.config["filter"]), leaking_arms(job.config["filter"])
    judged = decide(clips, chosen.filters, rule, labels if "filtered" in leaks else None)
    inputs = load_arm_inputs(clips, projection, statistics, swapped, judged.kept, masks)
    has_audio = np.array([not is_missing(clip.key, masks, MISSING) for clip in clips])
    for task in tasks:
        choices = {
            fit: [
                _choice(arms[fit], fit, inputs, index, has_audio, labels, device) | {"seed": seed}
                for index, (seed, arms) in enumerate(classifiers.items())
            ]
            for fit in next(iter(classifiers.values()))
        }
        yield Result(
            task.name,
            {
                "validation_clips": len(clips),
                "units": choices,
                "filters": _filter_choices(chosen, choices, judged),
                "oracle_thresholds": _oracle_limits(chosen, clips, labels, rule),
                "random_statistics": None if statistics is None else _as_lists(statistics),
            },
        )


def _as_lists(statistics: AudioStatistics) -> dict[str, list[float]]:
    return {name: values.tolist() for name, values in vars(statistics).items()}


def _oracle_limits(
    chosen: ChosenArms, clips: Sequence[Clip], labels: np.ndarray, rule: FilterRule
) -> dict[str, list[float]]:
    """Return the thresholds, by percentile, of the filter that reads the true label."""
    if not chosen.filters:
        return {}
    true = true_similarity(similarities(clips), labels)
    return {f"{p:g}": rule.thresholds(true, p) for p in rule.percentiles}


def _choice(
    artifact: Artifact,
    fit: str,
    inputs: ArmInputs,
    index: int,
    has_audio: np.ndarray,
    labels: np.ndarray,
    device: str,
) -> dict[str, Any]:
    from unmuted.systems.classifier.training import predict
    from unmuted.training.checkpoints import unpack_fit

    trained = unpack_fit(artifact.tensors())
    x = inputs.of_fit(fit, index, has_audio if fit.startswith(REAL_OR) else None)
    predicted = [predict(state, x, device) for state in trained.snapshots]
    choice = select_snapshot(predicted, labels)
    return {
        "snapshot": choice.index,
        "epoch": trained.epochs[choice.index],
        "log_losses": choice.log_losses,
        "accuracy": accuracy(labels, predicted[choice.index].argmax(axis=1)),
    }


def _filter_choices(
    chosen: ChosenArms, choices: Mapping[str, Sequence[Mapping[str, Any]]], judged: Decisions
) -> dict[str, Any]:
    """Choose the percentile of each filter; a control takes over that of the filter it is for."""
    made = {arm: _filter_choice(arm, chosen.percentiles, choices, judged) for arm in chosen.filters}
    for arm, choice in made.items():
        if owner := COMPARISON_ARMS[arm].percentile_of:
            choice["chosen"] = made[owner]["chosen"]
    return made


def _filter_choice(
    arm: str,
    percentiles: Sequence[float],
    choices: Mapping[str, Sequence[Mapping[str, Any]]],
    judged: Decisions,
) -> dict[str, Any]:
    """Choose the percentile with the least mean log-loss over seeds, the smallest of equals."""
    gets_arm_audio = at_percentile(arm, percentiles[0]) in choices
    candidates: list[dict[str, Any]] = []
    for percentile in percentiles:
        fit = at_percentile(arm, percentile)
        by_seed = choices.get(fit if gets_arm_audio else f"{REAL_OR}{fit}", [])
        losses = [min(choice["log_losses"]) for choice in by_seed]
        accuracies = [choice["accuracy"] for choice in by_seed]
        candidates.append(
            {
                "percentile": percentile,
                "log_loss": float(np.mean(losses)) if losses else None,
                "accuracy": accuracies,
                "thresholds": judged.limits[fit],
                "kept_share": [float(share) for share in judged.kept[fit].mean(axis=0)],
            }
        )
    tried = [candidate for candidate in candidates if candidate["log_loss"] is not None]
    best = min(tried, key=lambda candidate: candidate["log_loss"]) if tried else None
    return {"chosen": best and best["percentile"], "candidates": candidates}


def choice_inputs(
    experiment: Experiment, classifiers: Classifiers, job: Job, pca: Artifact
) -> dict[str, Any]:
    """Return what the selection reads, for its fingerprint."""
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
            seed: {fit: artifact.row.digest for fit, artifact in of_seed.items()}
            for seed, of_seed in classifiers.items()
        },
    }
