"""results/predictions.csv: the most probable classes of every video that is not trained on.

A video with usable sound is predicted by the classifier of video and real audio; without it, by the
one of video and architecture 1's generated audio after the Feature Filter (before it, if the filter
reads the true label, as in seed mode, or if comparison.arms leaves it out).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.engine.job import ReportJob
from unmuted.evaluation.outputs import Output, table
from unmuted.systems.classifier.selection import best_labels
from unmuted.systems.comparison.planned import arm_without_sound


def contents(job: ReportJob) -> dict[str, Output]:
    """Make one row per video; rows of videos that could not be processed name the reason."""
    top = min(job.config["predictions"]["top_k"], len(job.classes))
    ranks = [f"{what}_{rank}" for rank in range(1, top + 1) for what in ("label", "probability")]
    columns = ["video_id", "given_label", *ranks, "audio_status", "audio", "filter", "problem"]
    return {"table": table(_rows(job, top), columns)}


def _rows(job: ReportJob, top: int) -> Iterator[dict[str, object]]:
    """Yield one row per video, shard by shard and by id; training clips are left out."""
    arm = arm_without_sound(job.config)
    main_arms = job.artifacts("predictions", job.videos)
    compared = job.artifacts("comparison_predictions", job.videos)
    for shard in sorted(job.shards):
        wav = job.rows("wav", shard)
        ledger = job.rows("comparison_predictions", shard)
        for video_id in sorted(job.shards[shard]):
            entry = ledger[video_id]
            if entry.status == "training_clip":
                continue
            row: dict[str, object] = {
                "video_id": video_id,
                "given_label": job.videos[video_id].label or "",
                "audio_status": wav[video_id].status,
            }
            if video_id in compared:
                yield row | _prediction(main_arms[video_id], compared[video_id], arm, top)
            else:
                yield row | {"problem": f"{entry.status} {entry.reason}".strip()}


def _prediction(
    main_arms: Artifact, compared: Artifact, arm: str | None, top: int
) -> dict[str, object]:
    """Return labels with their probabilities (means over seeds), and the kind of audio.

    arm: whose classifier predicts videos without sound.
    """
    predictions = compared.json()
    if predictions["has_sound"]:
        audio, verdict = "real", ""
        by_seed = main_arms.json()["arms"]["real_audio"]["probabilities"]
    else:
        audio, by_seed = "generated", predictions["arms"][arm]
        verdict = _verdict(predictions["kept"]["filtered"]) if arm == "filtered" else "none"
    best = enumerate(best_labels(predictions["classes"], by_seed, top), 1)
    ranked = {f"{what}_{rank}": value for rank, near in best for what, value in near.items()}
    return {**ranked, "audio": audio, "filter": verdict}


def _verdict(kept: Sequence[bool]) -> str:
    """Return the decision of most seeds: each has its own generator and filter."""
    return "kept" if np.mean(kept) >= 0.5 else "rejected"
