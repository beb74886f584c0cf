"""Clips of a run from the artifacts of `avs_frames`, `avs_audio`, `avs_truth` and `avs_boxes`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.samples.experiment import Clip, SampleStages
from unmuted.systems.segmentation.artifacts import (
    CONDITIONS,
    UNLABELLED,
    open_pictures,
    unpack_masks,
)
from unmuted.systems.segmentation.clip_data import ClipBox, ClipData

FRAMES, SOUND, TRUTH, BOXES = "avs_frames", "avs_audio", "avs_truth", "avs_boxes"
SECONDS = SampleStages(required=(FRAMES, SOUND), content=(FRAMES,))  # what a sample needs


def load_clip(clip: Clip, reads_truth: bool = True, reads_boxes: bool = False) -> ClipData:
    """Read a clip; without its truth, no second is labelled."""
    with open_pictures(clip.artifacts[FRAMES]) as pictures:
        frames, is_padding = pictures.read(0, pictures.seconds), ~pictures.inside
        content = pictures.content
    sound = clip.artifacts[SOUND].tensors()
    truth, is_labelled = np.zeros(frames.shape[:3], bool), np.zeros(len(frames), bool)
    if reads_truth and TRUTH in clip.artifacts:
        truth, is_labelled = read_truth(clip.artifacts[TRUTH])
    loaded = ClipData(
        name=clip.video_id,
        group=clip.group,
        key=clip.key,
        label=clip.label,
        kind="",
        frames=frames,
        is_padding=is_padding,
        tokens={name: sound[name] for name in CONDITIONS},
        has_audio=sound["valid"].astype(bool),
        rms_db=sound["rms_db"],
        truth=truth,
        is_labelled=is_labelled,
    )
    if not reads_boxes:
        return loaded
    if BOXES in clip.artifacts:
        return replace(loaded, boxes=read_boxes(clip.artifacts[BOXES], content))
    return replace(loaded, boxes=boxes_of_truth(loaded))


def load_clips_data(
    clips: Sequence[Clip], reads_truth: bool = True, reads_boxes: bool = False
) -> list[ClipData]:
    """Read clips, see `load_clip`."""
    return [load_clip(clip, reads_truth, reads_boxes) for clip in clips]


def read_truth(artifact: Artifact) -> tuple[np.ndarray, np.ndarray]:
    """Return the truth, bool (K, H, W), and which seconds are labelled, bool (K,)."""
    arrays = artifact.tensors()
    return unpack_masks(arrays["masks"]), arrays["status"] != UNLABELLED


def read_boxes(artifact: Artifact, content: tuple[int, int]) -> tuple[ClipBox, ...]:
    """Return the boxes of a video. content: height and width of its pictures without padding."""
    height, width = content
    return tuple(
        ClipBox(
            box["second"],
            box["label"],
            (
                box["left"] * width,
                box["top"] * height,
                box["right"] * width,
                box["bottom"] * height,
            ),
        )
        for box in artifact.json()["boxes"]
    )


def boxes_of_truth(clip: ClipData) -> tuple[ClipBox, ...]:
    """Return a box around the truth of each second that has any, with the label of the clip."""
    boxes = []
    for second in np.flatnonzero(clip.has_truth).tolist():
        rows = np.flatnonzero(clip.truth[second].any(axis=1))
        columns = np.flatnonzero(clip.truth[second].any(axis=0))
        edges = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
        boxes.append(ClipBox(second, clip.label or "", edges))
    return tuple(boxes)
