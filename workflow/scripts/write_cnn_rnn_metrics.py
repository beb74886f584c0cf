"""Compute results/cnn_rnn_metrics.json from what the recogniser says of the test clips."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.outcomes import ArmOutcome
from unmuted.evaluation.provenance import ROLES, provenance
from unmuted.evaluation.schema import write_report
from unmuted.pipeline.registry import run_job
from unmuted.samples.experiment import Clip
from unmuted.systems.cnn_rnn.report import SCHEMA, build_report
from unmuted.systems.cnn_rnn.sequences import STAGE
from unmuted.systems.cnn_rnn.tail_split import cnn_rnn_clips
from unmuted.systems.comparison.tested import load_tested

PREDICTIONS = "cnn_rnn_predictions"
# AST decides no clip here; ViT and BLIP do: all systems are measured on the clips that they read.
MODELS = (*(role for role in ROLES if role != "ast"), "cnn_rnn_backbone")


def main(job: ReportJob, metrics: str) -> None:
    """Write the metrics; nothing is fitted or chosen here."""
    tested = load_tested(job, [PREDICTIONS, STAGE])
    settings = job.config["cnn_rnn"]
    choice = job.units("cnn_rnn_selection")["all"].json()
    chosen = choice["arms"]["cnn_rnn"]
    train, val = cnn_rnn_clips(tested.experiment, settings)
    frames = [one["frames"] for one in tested.predictions(PREDICTIONS)]
    report = build_report(
        data=tested.data(),
        labels=tested.labels,
        outcome=ArmOutcome(
            tested.probabilities("cnn_rnn", PREDICTIONS),
            tested.audio("cnn_rnn"),
            [one["epoch"] for one in chosen],
        ),
        learnt={
            name: _counts(clips, tested.experiment.classes)
            for name, clips in (("train", train), ("val", val))
        },
        bootstrap=tested.bootstrap,
        training={
            "split": settings["split"],
            "parameters": choice["parameters"],
            "sequence_length": settings["sequence_length"],
            "sampling": settings["sampling"],
            "mean_frames": float(np.mean(frames)),
            "clips_without_frames": frames.count(0),
            "log_losses": [one["log_losses"] for one in chosen],
        },
        provenance=provenance(job, [clip.video_id for clip in tested.clips], MODELS),
    )
    write_report(Path(metrics), report, SCHEMA)


def _counts(clips: Sequence[Clip], classes: Sequence[str]) -> list[int]:
    counts = Counter(clip.label for clip in clips)
    return [counts[label] for label in classes]


if "snakemake" in globals():
    run_job(snakemake, main)
