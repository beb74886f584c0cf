"""results/predictions.csv: the most probable classes of every video that is not trained on.

With usable sound the classifier of video and real audio decides; without it, the one of video and
architecture 1's generated audio after the Feature Filter (before it, where the filter is told the
answer, as in seed mode, or where comparison.arms leaves it out).
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
    """One row a video; those that could not be processed say why."""
    top = min(job.config["predictions"]["top_k"], len(job.classes))
    ranks = [f"{what}_{rank}" for rank in range(1, top + 1) for what in ("label", "probability")]
    columns = ["video_id", "given_label", *ranks, "audio_status", "audio", "filter", "problem"]
    return {"table": table(_rows(job, top), columns)}


def _rows(job: ReportJob, top: int) -> Iterator[dict[str, object]]:
    """One row a video, shard by shard and by id; training clips are left out."""
    arm = arm_without_sound(job.config)
    main_arms = job.artifacts("predictions", job.videos)
    compared = job.artifacts("comparison_predictions", job.videos)
    for shard in sorted(job.shards):
        wav = job.rows("wav", shard)
        said = job.rows("comparison_predictions", shard)
        for video_id in sorted(job.shards[shard]):
            if said[video_id].status == "training_clip":
                continue
            row = {
                "video_id": video_id,
                "given_label": job.videos[video_id].label or "",
                "audio_status": wav[video_id].status,
            }
            if video_id in compared:
                yield row | _prediction(main_arms[video_id], compared[video_id], arm, top)
            else:
                yield row | {"problem": f"{said[video_id].status} {said[video_id].reason}".strip()}


def _prediction(main_arms: Artifact, compared: Artifact, arm: str, top: int) -> dict[str, object]:
    """Labels with their probabilities (means over seeds), and what the audio was.

    arm: whose classifier decides where there is no sound.
    """
    found = compared.json()
    if found["has_sound"]:
        audio, verdict = "real", ""
        by_seed = main_arms.json()["arms"]["real_audio"]["probabilities"]
    else:
        audio, by_seed = "generated", found["arms"][arm]
        verdict = _verdict(found["kept"]["filtered"]) if arm == "filtered" else "none"
    best = enumerate(best_labels(found["classes"], by_seed, top), 1)
    ranked = {f"{what}_{rank}": value for rank, one in best for what, value in one.items()}
    return {**ranked, "audio": audio, "filter": verdict}


def _verdict(kept: Sequence[bool]) -> str:
    """What most seeds decide: each has a generator and a filter of its own."""
    return "kept" if np.mean(kept) >= 0.5 else "rejected"
