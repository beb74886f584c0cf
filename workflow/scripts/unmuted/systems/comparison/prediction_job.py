"""Predictions of the comparison's classifiers for a shard's clips, with and without sound."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import COMPARISON_ARMS, ORACLE, leaking_arms
from unmuted.samples.experiment import Clip
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.arch1.filter_rule import (
    FilterRule,
    filter_rule,
    keep,
    similarities,
    video_posterior,
)
from unmuted.systems.comparison.chosen_arms import REAL_OR, at_percentile, chosen_arms
from unmuted.systems.comparison.imputation import AudioStatistics
from unmuted.systems.comparison.inputs import ArmInputs, audio_of_partner, load_arm_inputs
from unmuted.systems.shared.projection import Projection

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.systems.classifier.lstm import Classifier

Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and unit


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    partners: Mapping[str, Clip],
    job: Job,
    classifiers: Classifiers,
    selection: Artifact,
    pca: Artifact,
) -> Iterator[Result]:
    """Probabilities [seed][class] of each arm; of real_or_ arms with a clip's own audio, without
    it, and with noise or swapped audio in its place.

    Training clips are not predicted: every classifier has seen them.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.states import load_chosen

    device = str(use_device(job.config["device"], job.threads))
    projection, choice = Projection(**pca.tensors()), selection.json()
    wanted = chosen_arms(job.config).compared
    units = _chosen_units(choice, wanted)
    picked = {unit: choice["units"][unit] for unit in units.values()}
    chosen = load_chosen(classifiers, picked, device)
    arms = {arm: chosen[unit] for arm, unit in units.items()}
    statistics = choice["random_statistics"]
    if statistics is not None:
        statistics = AudioStatistics(**{k: np.array(v) for k, v in statistics.items()})
    rule = filter_rule(job.config["filter"])
    leaks = leaking_arms(job.config["filter"])
    masks, classes = job.config["missing"]["seed"], list(job.classes)

    for task in tasks:
        clip = clips[task.name]
        if clip.split == "train":
            yield Result(task.name, None, "training_clip", "the classifiers were trained on it")
            continue
        label = None if clip.label is None else classes.index(clip.label)
        kept = _kept(clip, choice, label, rule, leaks)
        swapped = audio_of_partner(clip, partners.get(task.name), projection)[None]
        inputs = load_arm_inputs([clip], projection, statistics, swapped, kept, masks)
        predict = partial(_probabilities, device=device)
        predictions, missing = {}, {}
        for arm, models in arms.items():
            if arm.startswith(REAL_OR):
                noisy = inputs.hearing(_noise(clip, projection))
                missing[arm] = {
                    "own": predict(models, arm, inputs, has_audio=True),
                    "missing": predict(models, arm, inputs, has_audio=False),
                    "noise": predict(models, arm, noisy, has_audio=True),
                    "swapped": predict(models, arm, inputs.hearing(swapped), has_audio=True),
                }
            elif label is not None or not COMPARISON_ARMS[arm].always_leaks:
                predictions[arm] = predict(models, arm, inputs, has_audio=True)
        yield Result(
            task.name,
            {
                "classes": classes,
                "has_sound": clip.has_sound,
                "arms": predictions,
                "missing": missing,
                "kept": {
                    arm: by_seed[0].tolist() for arm, by_seed in kept.items() if arm in wanted
                },
            },
        )


def _probabilities(
    models: Sequence[Classifier], arm: str, inputs: ArmInputs, has_audio: bool, device: str
) -> list[list[float]]:
    """Probabilities [seed][class] of the only clip; has_audio: whether it has its own audio."""
    from unmuted.systems.classifier.training import predict_with

    own_audio = np.array([has_audio])
    by_seed = [
        predict_with(model, inputs.of_unit(arm, index, own_audio), device)[0]
        for index, model in enumerate(models)
    ]
    return [[round(float(p), 7) for p in probabilities] for probabilities in by_seed]


def _chosen_units(choice: Mapping[str, object], arms: Collection[str]) -> dict[str, str]:
    """The classifier of each arm: of filters the one with the chosen percentile."""
    units, filters = choice["units"], choice["filters"]
    unit_of = {unit: unit for unit in units if "-" not in unit}
    for arm in filters:
        for prefix in ("", REAL_OR):
            percentile = filters[arm]["chosen"]
            unit = None if percentile is None else f"{prefix}{at_percentile(arm, percentile)}"
            if unit in units:
                unit_of[f"{prefix}{arm}"] = unit
    shared = {arm: COMPARISON_ARMS[arm].classifier_of for arm in arms}
    return unit_of | {arm: unit_of[other] for arm, other in shared.items() if other in unit_of}


def _kept(
    clip: Clip,
    choice: Mapping[str, object],
    label: int | None,
    rule: FilterRule,
    leaks: Collection[str],
) -> dict[str, np.ndarray]:
    """What the chosen filters keep of one clip, bool (1, S) by arm; only leaks see its label."""
    if not choice["filters"]:
        return {}
    posterior = video_posterior([clip])
    labels = None if label is None else np.array([label])
    kept = {}
    for arm in choice["filters"]:
        limits = _limits(choice, arm)
        if limits is not None:
            known = labels if arm in leaks else None
            similarity = rule.judge(similarities([clip], arm), posterior, known)
            kept[arm] = keep(similarity, limits)
    percentile = choice["filters"].get("filtered", {}).get("chosen")
    if labels is not None and percentile is not None:
        true = true_similarity(similarities([clip], "filtered"), labels)
        kept[ORACLE] = keep(true, choice["oracle_thresholds"][f"{percentile:g}"])
    return kept


def _limits(choice: Mapping[str, object], arm: str) -> list[float] | None:
    chosen = choice["filters"][arm]
    by_percentile = {c["percentile"]: c["thresholds"] for c in chosen["candidates"]}
    return by_percentile.get(chosen["chosen"])


def _noise(clip: Clip, projection: Projection) -> np.ndarray:
    """Projected audio (1, T, A) of noise in the place of the clip's sound."""
    if not clip.has_sound:
        return clip.audio(projection)[None]
    return projection.apply(clip.artifacts["noise_ast"].tensors()["tokens"])[None]


def clip_inputs(
    clips: Mapping[str, Clip],
    partners: Mapping[str, Clip],
    job: Job,
    classifiers: Classifiers,
    selection: Artifact,
    pca: Artifact,
) -> dict[str, list[object]]:
    """What the predictions of each clip read beside its own artifacts, for fingerprints."""
    fitted = [
        pca.row.digest,
        selection.row.digest,
        [[unit.row.digest for unit in units.values()] for units in classifiers.values()],
        job.classes,
        # Arms without a classifier of their own.
        [arm for arm in chosen_arms(job.config).arms if COMPARISON_ARMS[arm].classifier_of],
    ]
    return {
        name: [
            *(fitted, clip.split, clip.label),
            partners[name].digests("ast") if name in partners else [],
        ]
        for name, clip in clips.items()
    }
