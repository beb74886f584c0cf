"""Predictions of the comparison's classifiers for a shard's clips, with and without sound."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import COMPARISON_ARMS, ORACLE, leaking_arms
from unmuted.samples.experiment import Clip
from unmuted.systems.arch1.feature_filter import true_similarity
from unmuted.systems.comparison.chosen_arms import REAL_OR, at_percentile, chosen_arms
from unmuted.systems.comparison.fillings import AudioStatistics
from unmuted.systems.comparison.inputs import (
    ArmInputs,
    FilterRule,
    audio_of_partner,
    filter_rule,
    keep,
    load_arm_inputs,
    similarities,
    video_posterior,
)
from unmuted.systems.shared.projection import Projection

Classifiers = Mapping[int, Mapping[str, Artifact]]  # by seed and unit

HEARD = ("own", "missing", "noise", "swapped")  # what is heard of a clip


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    donors: Mapping[str, Clip],
    job: Job,
    classifiers: Classifiers,
    selection: Artifact,
    space: Artifact,
) -> Iterator[Result]:
    """Probabilities [seed][class] of each arm; of real_or_ arms for each of HEARD.

    Training clips are not predicted: every classifier has seen them.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.lstm import Classifier
    from unmuted.systems.classifier.states import load_chosen
    from unmuted.systems.classifier.training import predict_with

    device = str(use_device(job.config["device"], job.threads))
    projection, choice = Projection(**space.tensors()), selection.json()
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

    def probabilities(
        models: Sequence[Classifier], arm: str, made: ArmInputs, heard: bool
    ) -> list[list[float]]:
        own = np.array([heard])
        found = [
            predict_with(model, made.of_unit(arm, i, own), device)[0]
            for i, model in enumerate(models)
        ]
        return [[round(float(p), 7) for p in one] for one in found]

    for task in tasks:
        clip = clips[task.name]
        if clip.split == "train":
            yield Result(task.name, None, "training_clip", "the classifiers were trained on it")
            continue
        label = None if clip.label is None else classes.index(clip.label)
        kept = _kept(clip, choice, label, rule, leaks)
        swapped = audio_of_partner(clip, donors.get(task.name), projection)[None]
        fillings = load_arm_inputs([clip], projection, statistics, swapped, kept, masks)
        found, missing = {}, {}
        for arm, models in arms.items():
            if arm.startswith(REAL_OR):
                sounds = {
                    "own": (fillings, True),
                    "missing": (fillings, False),
                    "noise": (fillings.hearing(_noise(clip, projection)), True),
                    "swapped": (fillings.hearing(swapped), True),
                }
                missing[arm] = {
                    heard: probabilities(models, arm, made, own)
                    for heard, (made, own) in sounds.items()
                }
            elif label is not None or not COMPARISON_ARMS[arm].always_leaks:
                found[arm] = probabilities(models, arm, fillings, True)
        yield Result(
            task.name,
            {
                "classes": classes,
                "has_sound": clip.has_sound,
                "arms": found,
                "missing": missing,
                "kept": {name: one[0].tolist() for name, one in kept.items() if name in wanted},
            },
        )


def _chosen_units(choice: Mapping[str, object], arms: Collection[str]) -> dict[str, str]:
    """The classifier of each arm: of filters the one with the chosen percentile."""
    units, filters = choice["units"], choice["filters"]
    found = {unit: unit for unit in units if "-" not in unit}
    for filling in filters:
        for prefix in ("", REAL_OR):
            percentile = filters[filling]["chosen"]
            unit = None if percentile is None else f"{prefix}{at_percentile(filling, percentile)}"
            if unit in units:
                found[f"{prefix}{filling}"] = unit
    lent = {arm: COMPARISON_ARMS[arm].classifier_of for arm in arms}
    return found | {arm: found[other] for arm, other in lent.items() if other in found}


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
    for filling in choice["filters"]:
        limits = _limits(choice, filling)
        if limits is not None:
            told = labels if filling in leaks else None
            judged = rule.judge(similarities([clip], filling), posterior, told)
            kept[filling] = keep(judged, limits)
    percentile = choice["filters"].get("filtered", {}).get("chosen")
    if labels is not None and percentile is not None:
        true = true_similarity(similarities([clip], "filtered"), labels)
        kept[ORACLE] = keep(true, choice["oracle_thresholds"][f"{percentile:g}"])
    return kept


def _limits(choice: Mapping[str, object], filling: str) -> list[float] | None:
    chosen = choice["filters"][filling]
    by_percentile = {one["percentile"]: one["thresholds"] for one in chosen["candidates"]}
    return by_percentile.get(chosen["chosen"])


def _noise(clip: Clip, projection: Projection) -> np.ndarray:
    """Projected audio (1, T, A) of noise in the place of the clip's sound."""
    if not clip.has_sound:
        return clip.audio(projection)[None]
    return projection.apply(clip.artifacts["noise_ast"].tensors()["tokens"])[None]


def clip_inputs(
    clips: Mapping[str, Clip],
    donors: Mapping[str, Clip],
    job: Job,
    classifiers: Classifiers,
    selection: Artifact,
    space: Artifact,
) -> dict[str, list[object]]:
    """What the predictions of each clip read beside its own artifacts, for fingerprints."""
    fitted = [
        space.row.digest,
        selection.row.digest,
        [[unit.row.digest for unit in units.values()] for units in classifiers.values()],
        job.classes,
        # Arms without a classifier of their own.
        [arm for arm in chosen_arms(job.config).arms if COMPARISON_ARMS[arm].classifier_of],
    ]
    return {
        name: [
            *(fitted, clip.split, clip.label),
            donors[name].digests("ast") if name in donors else [],
        ]
        for name, clip in clips.items()
    }
