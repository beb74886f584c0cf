"""The report of the CNN-RNN recogniser: its recall by class, and its training clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outcomes import (
    ArmOutcome,
    EvaluationClips,
    correctness,
    measure_arms,
    statistics,
)
from unmuted.evaluation.outputs import Output
from unmuted.evaluation.provenance import provenance
from unmuted.evaluation.tested import load_tested
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ONLY_FIT
from unmuted.systems.cnn_rnn.sequences import SEQUENCES
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips

SCHEMA_VERSION = 1
SYSTEM, BASELINE = "cnn_rnn", "majority"
PRIMARY = (SYSTEM, BASELINE)  # the only contrast
PREDICTIONS = "cnn_rnn_predictions"
MODELS = ("cnn_rnn_backbone",)


def contents(job: ReportJob) -> dict[str, Output]:
    """Compute the metrics from the recogniser's predictions of the test clips."""
    tested = load_tested(job, [PREDICTIONS], SEQUENCES, folds=1)  # it has no folds
    settings = job.config["cnn_rnn"]
    choice = job.fits("cnn_rnn_selection")[ONLY_FIT].json()
    chosen = choice["arms"][SYSTEM]
    train, val = cnn_rnn_clips(tested.experiment, settings)
    frames = [clip["frames"] for clip in tested.predictions(PREDICTIONS)]
    report = build_report(
        data=tested.data(),
        clips=tested.measured,
        outcome=tested.outcome(SYSTEM, chosen, PREDICTIONS),
        class_counts={
            name: _counts(clips, tested.experiment.classes)
            for name, clips in (("train", train), ("val", val))
        },
        training={
            "split": settings["split"],
            "parameters": choice["parameters"],
            "sequence_length": settings["sequence_length"],
            "sampling": settings["sampling"],
            "mean_frames": float(np.mean(frames)),
            "log_losses": [choice["log_losses"] for choice in chosen],
        },
        provenance=provenance(job, tested.video_ids, MODELS),
    )
    return {"metrics": report}


def build_report(
    *,
    data: Mapping[str, Any],
    clips: EvaluationClips,
    outcome: ArmOutcome,
    class_counts: Mapping[str, Sequence[int]],
    training: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Build the content of cnn_rnn_metrics.json; its shape is documented in the schema file.

    clips: the N test clips. outcome: of the recogniser on them. class_counts: of
    the clips on which it is trained ("train") and chosen ("val"). training: the section "training",
    except for what follows from `class_counts`.
    """
    arms = {SYSTEM: outcome, BASELINE: majority(class_counts["train"], outcome)}
    labels, names = clips.labels, data["classes"]
    correct = correctness(outcome, labels)
    return {
        "schema_version": SCHEMA_VERSION,
        "system": SYSTEM,
        "data": dict(data),
        **measure_arms(arms, clips, [PRIMARY]),
        "training": {
            **training,
            "train": int(sum(class_counts["train"])),
            "val": int(sum(class_counts["val"])),
            "starved_classes": [
                name for name, count in zip(names, class_counts["train"], strict=True) if not count
            ],
        },
        "classes": [
            {
                "label": name,
                "train": int(class_counts["train"][i]),
                "val": int(class_counts["val"][i]),
                "test": int((labels == i).sum()),
                "recall": recall(correct[:, labels == i]),
            }
            for i, name in enumerate(names)
        ],
        "statistics": statistics(
            clips.bootstrap, "checkpoint of each classifier by log-loss on validation clips"
        ),
        "provenance": dict(provenance),
    }


def majority(counts: Sequence[int], outcome: ArmOutcome) -> ArmOutcome:
    """Predict the class with the most training clips, for the clips and seeds of `outcome`.

    counts: training clips of each class, (C,); of equal ones the first by name is predicted.
    The probabilities are the shares of the classes.
    """
    shares = np.array(counts, dtype=np.float32) / max(sum(counts), 1)
    probabilities = np.broadcast_to(shares, outcome.probabilities.shape)
    return ArmOutcome(probabilities, {"train": "none", "test": "none"}, [1] * len(probabilities))


def recall(correct: np.ndarray) -> dict[str, Any] | None:
    """Compute the share of correct predictions of one class's clips, (S, n); None for no clips."""
    if correct.shape[1] == 0:
        return None
    per_seed = correct.mean(axis=1)
    return {"mean": float(per_seed.mean()), "per_seed": per_seed.tolist()}


def _counts(clips: Sequence[Clip], classes: Sequence[str]) -> list[int]:
    counts = Counter(clip.label for clip in clips)
    return [counts[label] for label in classes]
