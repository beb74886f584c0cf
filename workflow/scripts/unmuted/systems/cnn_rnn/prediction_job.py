"""Predictions of the CNN-RNN for a shard's clips."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.cnn_rnn.sequences import load_sequences
from unmuted.training.order import stable_hash


def predict_shard(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    job: Job,
    fits: Mapping[int, Artifact],
    selection: Artifact,
) -> Iterator[Result]:
    """Predict probabilities [seed][class], and percentages (means over seeds), per task.

    Training clips are predicted too, since a user may ask for any video: `learnt_from` marks clips
    whose content or source the fits have read, `validation` those whose content was used to choose
    the checkpoints.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.cnn_rnn.training import load_cnn_rnn, predict_with
    from unmuted.training.checkpoints import unpack_fit

    device = str(use_device(job.config["device"], job.threads))
    classes, length = list(job.classes), job.config["cnn_rnn"]["sequence_length"]
    choices = selection.json()
    fitted = [fits[choice["seed"]].tensors() for choice in choices["arms"]["cnn_rnn"]]
    models = [
        load_cnn_rnn(unpack_fit(packed).snapshots[choice["snapshot"]], device)
        for packed, choice in zip(fitted, choices["arms"]["cnn_rnn"], strict=True)
    ]
    validated_on = set(choices["validated_on"])
    for task in tasks:
        clip = clips[task.name]
        sequence = load_sequences([clip], length, models[0].config.features)
        by_seed = [predict_with(model, sequence, device)[0] for model in models]
        probabilities = [[round(float(p), 7) for p in seed] for seed in by_seed]
        top = percentages(classes, probabilities)
        yield Result(
            task.name,
            {
                "classes": classes,
                "probabilities": probabilities,
                "predicted": top[0]["label"],
                "top": top,
                "split": clip.split,
                "trained_on": job.config["cnn_rnn"]["split"],
                "learnt_from": any(has_seen(fit, [clip.key], [clip.group])[0] for fit in fitted),
                "validation": is_validated(clip, validated_on),
                "frames": int(sequence.mask.sum()),
                "arms": {"cnn_rnn": probabilities},
            },
        )


def percentages(
    classes: Sequence[str], by_seed: Sequence[Sequence[float]]
) -> list[dict[str, object]]:
    """Sort all classes by mean probability over seeds (S, C): {"label", "percent"}, best first."""
    mean = np.mean(by_seed, axis=0)
    order = np.argsort(-mean, kind="stable")
    return [{"label": classes[i], "percent": round(100 * float(mean[i]), 2)} for i in order]


def is_validated(clip: Clip, validated_on: Collection[int]) -> bool:
    """Tell whether the checkpoints were chosen on a clip of this content."""
    return stable_hash(clip.key) in validated_on
