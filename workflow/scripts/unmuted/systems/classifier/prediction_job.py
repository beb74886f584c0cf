"""Predictions of the main experiment's classifiers for a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.evaluation.arms import ARMS
from unmuted.samples.experiment import Clip
from unmuted.systems.classifier.inputs import load_features
from unmuted.systems.classifier.selection import best_labels
from unmuted.systems.shared.projection import Projection


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    classifiers: Mapping[int, Mapping[str, Artifact]],
    selection: Artifact,
    pca: Artifact,
) -> Iterator[Result]:
    """Predict probabilities [seed][class] of each arm, and the most probable classes, per task.

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
            models = enumerate(chosen[arm])
            by_seed = [predict_with(m, features.of_arm(arm, i), device)[0] for i, m in models]
            best = int(sum(by_seed).argmax())
            rounded = [[round(float(p), 7) for p in seed] for seed in by_seed]
            arms[arm] = {"predicted": classes[best], "probabilities": rounded}
        used = "real_audio" if features.usable[0] else "generated"
        most = best_labels(classes, arms[used]["probabilities"], top)
        yield Result(task.name, {"audio": used, "top": most, "classes": classes, "arms": arms})
