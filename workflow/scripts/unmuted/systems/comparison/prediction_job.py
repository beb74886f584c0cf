"""Predictions of the comparison's classifiers for the clips of a shard, with and without sound."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import COMPARISON_ARMS, HASH, ORACLE, SIMILARITY, leaking_arms
from unmuted.samples.experiment import Clip
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.arch1.filter_rule import (
    FilterRule,
    filter_rule,
    hash_positions,
    keep,
    similarities,
    video_posterior,
)
from unmuted.systems.comparison.chosen_arms import REAL_OR, at_percentile, chosen_arms
from unmuted.systems.comparison.degraded_sound import (
    REAL,
    RealAudio,
    predict_degraded,
    replaced_audio,
)
from unmuted.systems.comparison.imputation import AudioStatistics
from unmuted.systems.comparison.inputs import ArmInputs, audio_of_partner, load_arm_inputs
from unmuted.systems.shared.projection import Projection

if TYPE_CHECKING:  # torch, which takes seconds to import
    from unmuted.systems.classifier.lstm import Classifier

Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and fit


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    partners: Mapping[str, Clip],
    job: Job,
    classifiers: Classifiers,
    selection: Artifact,
    real: RealAudio | None,
    pca: Artifact,
) -> Iterator[Result]:
    """Predict the probabilities [seed][class] of each arm, per task.

    The real_or_ arms predict clips that are validated or tested with their own audio, without it,
    with noise or swapped audio instead, and from degraded sound. Training clips are not predicted:
    every classifier has seen them.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.states import load_chosen

    device = str(use_device(job.config["device"], job.threads))
    projection, choice = Projection(**pca.tensors()), selection.json()
    wanted = chosen_arms(job.config).compared
    fits = _chosen_fits(choice, wanted)
    picked = {fit: choice["units"][fit] for fit in fits.values()}
    chosen = load_chosen(classifiers, picked, device)
    arms = {arm: chosen[fit] for arm, fit in fits.items()}
    statistics = choice["random_statistics"]
    if statistics is not None:
        statistics = AudioStatistics(**{k: np.array(v) for k, v in statistics.items()})
    rule = filter_rule(job.config["filter"])
    leaks = leaking_arms(job.config["filter"])
    masks, classes = job.config["missing"]["seed"], list(job.classes)
    imputing = {arm: models for arm, models in arms.items() if arm.startswith(REAL_OR)}
    hearing = imputing if real is None else imputing | {REAL: real.load(device)}

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
        predictions, muted, missing = {}, {}, {}
        for arm, models in arms.items():
            if arm in imputing:
                if clip.split is None:
                    continue
                with_swapped = inputs.with_real_audio(swapped)
                noisy = inputs.with_real_audio(replaced_audio(clip, projection))
                missing[arm] = {
                    "own": predict(models, arm, inputs, has_audio=True),
                    "missing": predict(models, arm, inputs, has_audio=False),
                    "noise": predict(models, arm, noisy, has_audio=True),
                    "swapped": predict(models, arm, with_swapped, has_audio=True),
                }
                if COMPARISON_ARMS[arm.removeprefix(REAL_OR)].is_one_classifier:
                    predictions[arm.removeprefix(REAL_OR)] = missing[arm]["missing"]
            elif label is not None or not COMPARISON_ARMS[arm].always_leaks:
                predictions[arm] = predict(models, arm, inputs, has_audio=True)
                if COMPARISON_ARMS[arm].has_made_audio:
                    muted[arm] = predict(models, arm, inputs, has_audio=True, is_muted=True)
        yield Result(
            task.name,
            {
                "classes": classes,
                "has_sound": clip.has_sound,
                "arms": predictions,
                "without_audio": muted,
                "missing": missing,
                "degraded": predict_degraded(clip, hearing, inputs, projection, device),
                "kept": {
                    arm: by_seed[0].tolist() for arm, by_seed in kept.items() if arm in wanted
                },
            },
        )


def _probabilities(
    models: Sequence[Classifier],
    arm: str,
    inputs: ArmInputs,
    has_audio: bool,
    device: str,
    is_muted: bool = False,
) -> list[list[float]]:
    """Predict probabilities [seed][class] of the only clip.

    has_audio: whether it has its own audio. is_muted: whether the arm gets zeros for all audio.
    """
    from unmuted.systems.classifier.training import predict_with

    own_audio = np.array([has_audio])
    by_seed = [
        predict_with(model, inputs.of_fit(arm, index, own_audio, is_muted), device)[0]
        for index, model in enumerate(models)
    ]
    return [[round(float(p), 7) for p in probabilities] for probabilities in by_seed]


def _chosen_fits(choice: Mapping[str, Any], arms: Collection[str]) -> dict[str, str]:
    """Return the classifier of each arm; for filters the one with the chosen percentile."""
    fits, filters = choice["units"], choice["filters"]
    fit_of = {fit: fit for fit in fits if "-" not in fit}
    for arm in filters:
        for prefix in ("", REAL_OR):
            percentile = filters[arm]["chosen"]
            fit = None if percentile is None else f"{prefix}{at_percentile(arm, percentile)}"
            if fit in fits:
                fit_of[f"{prefix}{arm}"] = fit
    shared = {arm: COMPARISON_ARMS[arm].classifier_of for arm in arms}
    return fit_of | {arm: fit_of[other] for arm, other in shared.items() if other in fit_of}


def _kept(
    clip: Clip,
    choice: Mapping[str, Any],
    label: int | None,
    rule: FilterRule,
    leaks: Collection[str],
) -> dict[str, np.ndarray]:
    """Tell which chosen filters keep one clip, bool (1, S) by arm; only leaks read its label."""
    if not choice["filters"]:
        return {}
    labels = None if label is None else np.array([label])
    of_actions = similarities([clip])
    known = labels if "filtered" in leaks else None
    similarity = rule.judge(of_actions, video_posterior([clip]), known)
    scores = {SIMILARITY: similarity, HASH: hash_positions([clip.key], similarity.shape[1])}
    kept = {}
    for arm in choice["filters"]:
        limits = _limits(choice, arm)
        if limits is not None:
            kept[arm] = keep(scores[str(COMPARISON_ARMS[arm].filters_by)], limits)
    percentile = choice["filters"].get("filtered", {}).get("chosen")
    if labels is not None and percentile is not None:
        true = true_similarity(of_actions, labels)
        kept[ORACLE] = keep(true, choice["oracle_thresholds"][f"{percentile:g}"])
    return kept


def _limits(choice: Mapping[str, Any], arm: str) -> list[float] | None:
    chosen = choice["filters"][arm]
    by_percentile = {c["percentile"]: c["thresholds"] for c in chosen["candidates"]}
    return by_percentile.get(chosen["chosen"])


def clip_inputs(
    clips: Mapping[str, Clip],
    partners: Mapping[str, Clip],
    job: Job,
    classifiers: Classifiers,
    selection: Artifact,
    real: RealAudio | None,
    pca: Artifact,
) -> dict[str, list[object]]:
    """Return what the predictions of each clip read in addition to its artifacts: fingerprints."""
    fitted = [
        pca.row.digest,
        selection.row.digest,
        [[fit.row.digest for fit in of_seed.values()] for of_seed in classifiers.values()],
        job.classes,
        None if real is None else real.digests,
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
