"""What the picture allows: the ceiling of any rule on visible things, where the truth is known.

A test whose headroom over video_only is smaller than the smallest effect that it can detect cannot
answer whether generated audio helps.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from unmuted.engine.job import ReportJob
from unmuted.evaluation.tested import TestedClips

VISIBLE = ("action", "cue")  # what a picture shows of the class; all else is dealt out alike
RULE = (
    "the most frequent class, over all clips of the world, of the clips that show the same action "
    "and the same sign"
)


def picture_ceiling(
    shown: Sequence[Hashable],
    labels: Sequence[str],
    shown_in_test: Sequence[Hashable],
    labels_in_test: Sequence[str],
) -> float:
    """Compute the accuracy on test clips of the best rule on what is visible.

    shown, labels: what each clip of the world shows, and its class; they include the test clips, so
    that the rule is the best one. Raises ValueError if a test clip shows what no clip of the world
    does.
    """
    classes: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for seen, label in zip(shown, labels, strict=True):
        classes[seen][label] += 1
    if unknown := set(shown_in_test) - classes.keys():
        raise ValueError(f"test clips show {unknown}, which no clip of the world shows")
    best = {seen: _most_frequent(counts) for seen, counts in classes.items()}
    pairs = zip(shown_in_test, labels_in_test, strict=True)
    hits = [best[seen] == label for seen, label in pairs]
    return sum(hits) / len(hits)


def _most_frequent(counts: Counter[str]) -> str:
    """Return the label with the highest count, the first in the alphabet among equals."""
    return min(counts, key=lambda label: (-counts[label], label))


def headroom(job: ReportJob, tested: TestedClips, report: Mapping[str, Any]) -> dict[str, Any]:
    """Build the section "headroom" of a report with arms and contrasts; {} without known truth."""
    if not job.is_generated:
        return {}
    experiment = tested.experiment
    every = [clip.video_id for clip in (*experiment.clips, *experiment.unlabelled)]
    truth = {name: artifact.json() for name, artifact in job.artifacts("truth", every).items()}
    ceiling = picture_ceiling(
        [_shown(clip) for clip in truth.values()],
        [clip["label"] for clip in truth.values()],
        [_shown(truth[name]) for name in tested.video_ids],
        [truth[name]["label"] for name in tested.video_ids],
    )
    video = report["arms"]["video_only"]["accuracy"]["mean"]
    primary = next(pair for pair in report["contrasts"].values() if pair["primary"])
    detectable = primary["smallest_detectable"]
    room = ceiling - video
    return {
        "headroom": {
            "ceiling": ceiling,
            "rule": RULE,
            "video_only": video,
            "points": room,
            "smallest_detectable": detectable,
            "can_answer": detectable is not None and room >= detectable,
        }
    }


def _shown(clip: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(clip["visible"][name] for name in VISIBLE)
