"""From clips to what is trained on: maps computed once, audio, truth and boxes in one memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from unmuted.systems.segmentation.clip_data import SILENCE, ClipBox, ClipData
from unmuted.systems.segmentation.inference import trimmed
from unmuted.systems.segmentation.networks import FrozenEncoder, maps_read
from unmuted.systems.segmentation.sound_space import SoundSpace
from unmuted.systems.segmentation.training_data import Boxes, TrainingClips, stack_padded


def training_clips(
    clips: Sequence[ClipData],
    encoder: FrozenEncoder,
    space: SoundSpace,
    trained_stages: int = 0,
    audio: Sequence[np.ndarray] | None = None,
    reads_boxes: bool = False,
    reads_frames: bool = False,
    finest: int = 0,
) -> TrainingClips:
    """Compute the maps of training clips; a second takes 25 KB a thousand pixels.

    audio: float32 (K, A) of each clip in place of its own sound, such as generated one.
    reads_boxes: for arms that train on crops, or on filled boxes. reads_frames: for arms with a
    second network. finest: the first map that networks read.
    """
    clips = [trimmed(clip, encoder.strides[-1]) for clip in clips]
    seconds = max(clip.seconds for clip in clips)
    height = max(clip.frames.shape[1] for clip in clips)
    width = max(clip.frames.shape[2] for clip in clips)
    shape = (seconds, height, width)
    sounds = [space.own(clip) for clip in clips] if audio is None else audio
    outside = [~clip.is_padding for clip in clips]
    all_boxes = [box for clip in clips for box in clip.boxes]
    classes = sorted({box.label for box in all_boxes}) if reads_boxes else []
    return TrainingClips(
        _maps(clips, encoder, trained_stages, shape, finest),
        stack_padded(sounds, (seconds, sounds[0].shape[1]), torch.float32),
        torch.from_numpy(space.audio(clips[0].tokens[SILENCE][:1])[0]),
        stack_padded([clip.truth for clip in clips], shape, torch.bool),
        ~stack_padded(outside, shape[1:], torch.bool),
        stack_padded([clip.is_labelled for clip in clips], (seconds,), torch.bool),
        tuple(clip.group for clip in clips),
        tuple(clip.label or "" for clip in clips),
        _boxes(clips, classes) if reads_boxes else None,
        tuple(classes),
        stack_padded([clip.frames for clip in clips], (*shape, 3), torch.uint8)
        if reads_frames
        else None,
    )


def _maps(
    clips: Sequence[ClipData],
    encoder: FrozenEncoder,
    trained_stages: int,
    shape: tuple[int, int, int],
    finest: int,
) -> tuple[torch.Tensor, ...]:
    """Compute the maps of clips, each filled with black up to a common size."""
    stacked: list[torch.Tensor] = []
    for i, clip in enumerate(clips):
        frames = np.zeros((clip.seconds, *shape[1:], 3), np.uint8)
        frames[:, : clip.frames.shape[1], : clip.frames.shape[2]] = clip.frames
        maps = maps_read(encoder.maps(frames, trained_stages), finest)
        if not stacked:
            stacked = [
                torch.zeros((len(clips), shape[0], *m.shape[1:]), dtype=torch.float16) for m in maps
            ]
        for whole, part in zip(stacked, maps, strict=True):
            whole[i, : clip.seconds] = torch.from_numpy(part)
    return tuple(stacked)


def _boxes(clips: Sequence[ClipData], classes: Sequence[str]) -> Boxes:
    """Return the boxes of training clips, in pixels."""
    rows: list[tuple[int, ClipBox]] = [
        (i, box) for i, clip in enumerate(clips) for box in clip.boxes if box.second < clip.seconds
    ]
    edges = np.array([box.edges for _, box in rows], np.float32).reshape(-1, 4)
    return Boxes(
        torch.tensor([i for i, _ in rows], dtype=torch.int64),
        torch.tensor([box.second for _, box in rows], dtype=torch.int64),
        torch.from_numpy(edges),
        torch.tensor([classes.index(box.label) for _, box in rows], dtype=torch.int64),
    )
