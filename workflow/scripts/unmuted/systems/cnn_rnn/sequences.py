"""The CNN-RNN's input: feature sequences of clips, padded to one length, with masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, SampleStages
from unmuted.training.clip_arrays import ClipArray, memmap_stack

STAGE = "cnn_sequence"
SOURCES = "cnn_rnn_sources"  # the stage of the source groups of its samples
# Neither ViT nor BLIP is needed. The sequence may be the first second of a video, so the frames of
# all of it tell which videos are copies: those with the same opening titles are none.
SEQUENCES = SampleStages(required=("frames", STAGE), content=("frames", STAGE))


@dataclass(frozen=True)
class FrameSequences:
    """Frame features of N clips, float32 (N, L, F), and which steps hold a frame, bool (N, L)."""

    features: ClipArray
    mask: np.ndarray

    def __len__(self) -> int:
        return len(self.mask)


def pad(frames: np.ndarray, length: int) -> np.ndarray:
    """Pad features (n, F) with zeros to (length, F), or cut them after `length` frames."""
    padded = np.zeros((length, frames.shape[1]), dtype=np.float32)
    padded[: len(frames)] = frames[:length]
    return padded


def prefix_masks(frames: Sequence[int], length: int) -> np.ndarray:
    """Mark the steps of clips that are not padding, by number of frames: bool (N, length)."""
    return np.arange(length) < np.asarray(frames, dtype=np.int64).reshape(-1, 1)


def load_sequences(clips: Sequence[Clip], length: int, width: int | None = None) -> FrameSequences:
    """Read the sequences of clips, memory-mapped.

    width: F; that of the first clip by default. Raises UserError for features of another width, and
    for no clips.
    """
    width = _width(clips) if width is None else width
    counts: list[int] = []

    def rows() -> Iterator[np.ndarray]:
        for clip in clips:
            frames = _frames(clip, width)
            counts.append(min(len(frames), length))
            yield pad(frames, length)

    features = memmap_stack(rows())
    return FrameSequences(features, prefix_masks(counts, length))


def _frames(clip: Clip, width: int) -> np.ndarray:
    """Read the features (n, F) of the clip's frames."""
    frames = clip.artifacts[STAGE].tensors()["features"]
    if frames.shape[1] != width:
        raise UserError(
            f"{clip.video_id}: the CNN-RNN reads {width} features a frame, found {frames.shape[1]}"
        )
    return frames


def _width(clips: Sequence[Clip]) -> int:
    if not clips:
        raise UserError(
            "none of the clips that the CNN-RNN would read has a frame sequence: see "
            f"results/{STAGE} and results/sequence_frames for what became of them"
        )
    return clips[0].artifacts[STAGE].tensors()["features"].shape[1]
