"""Whose sound is played in place of a test clip's own: of another source, or of its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.missing_audio import draw_swap_partners
from unmuted.systems.segmentation.arms import OTHER
from unmuted.systems.segmentation.loading import SOUND, TRUTH, load_clip

SWAPPED = "swapped"


def partner_table(tasks: Sequence[Task], clips: Sequence[Clip], job: Job) -> Iterator[Result]:
    """Name the partners of test clips.

    `swapped`: a clip of another source and class, in a ring by content. `other`: the other clip of
    a pair with the same pictures, where both have a truth that marks something; an involution.
    """
    from unmuted.systems.segmentation.scoring import paired_names

    for task in tasks:
        by_name = {clip.video_id: clip for clip in clips}
        swapped = _swapped(clips, job.config["missing"]["seed"])
        has_truth = [
            (clip.video_id, clip.key, bool(load_clip(clip).has_truth.any())) for clip in clips
        ]
        others = paired_names(has_truth)
        yield Result(
            task.name,
            {
                name: {
                    SWAPPED: _named(by_name.get(swapped.get(name, ""))),
                    OTHER: _named(by_name.get(others.get(name, ""))),
                }
                for name in sorted(by_name)
            },
        )


def _swapped(clips: Sequence[Clip], seed: int) -> Mapping[str, str]:
    keys = [f"{clip.key} {' '.join(clip.digests(SOUND))}" for clip in clips]
    labels, groups = [clip.label or "" for clip in clips], [clip.group for clip in clips]
    able = [clip.artifacts[SOUND].row.status == "ok" for clip in clips]
    partners = draw_swap_partners(keys, labels, groups, seed, able)
    return {
        clip.video_id: clips[i].video_id
        for clip, i in zip(clips, partners, strict=True)
        if i is not None
    }


def _named(clip: Clip | None) -> dict[str, Any] | None:
    """Return the name of a clip and the digests of what is read of it."""
    if clip is None:
        return None
    sound, truth = clip.digests(SOUND, TRUTH)
    return {"video_id": clip.video_id, SOUND: sound, TRUTH: truth}
