"""Predictions of the main experiment's classifiers for a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import ARMS
from unmuted.samples.experiment import Clip
from unmuted.systems.classifier.inputs import load_features
from unmuted.systems.classifier.selection import best_labels
from unmuted.systems.shared.projection import Projection
from unmuted.training.clip_arrays import ClipArray


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    classifiers: Mapping[int, Mapping[str, Artifact]],
    selection: Artifact,
    pca: Artifact,
) -> Iterator[Result]:
    """Predict probabilities [seed][class] of each arm, and the most probable classes, per task.

    `without_audio` are the probabilities of an arm with zeros in place of the audio made for it.

    `audio` is the arm for the clip, real audio if it has sound; `top` are its best classes.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.classifier.states import load_chosen
    from unmuted.systems.classifier.training import predict_with

    device = str(use_device(job.config["device"], job.threads))
    classes = job.classes
    projection, top = Projection(**pca.tensors()), job.config["predictions"]["top_k"]
    chosen = load_chosen(classifiers, selection.json()["arms"], device)
    for task in tasks:
        features = load_features([clips[task.name]], projection)
        arms: dict[str, dict[str, Any]] = {}
        for arm in ARMS:
            inputs = [features.of_arm(arm, index) for index in range(len(chosen[arm]))]
            pairs = list(zip(chosen[arm], inputs, strict=True))
            by_seed = [predict_with(model, x, device)[0] for model, x in pairs]
            best = int(sum(by_seed).argmax())
            arms[arm] = {"predicted": classes[best], "probabilities": _rounded(by_seed)}
            if ARMS[arm].has_made_audio:
                width = features.visual.shape[2]
                muted = [predict_with(model, _muted(x, width), device)[0] for model, x in pairs]
                arms[arm]["without_audio"] = _rounded(muted)
        used = "real_audio" if features.usable[0] else "generated"
        most = best_labels(classes, arms[used]["probabilities"], top)
        yield Result(task.name, {"audio": used, "top": most, "classes": classes, "arms": arms})


def _rounded(by_seed: Sequence[np.ndarray]) -> list[list[float]]:
    return [[round(float(p), 7) for p in probabilities] for probabilities in by_seed]


def _muted(x: ClipArray, width: int) -> np.ndarray:
    """Return the input (1, T, F) with zeros for the audio, all features after the first `width`."""
    features = x[:].copy()
    features[..., width:] = 0
    return features
