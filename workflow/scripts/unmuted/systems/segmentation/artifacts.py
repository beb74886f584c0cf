"""What the first stages of audio-visual segmentation leave of a video, and how it is read.

Second k of a video is [k, k + 1) s after its first picture; the last part of a second counts as one
if it is half a second or longer, and a shorter video is one second. K is their number.

`avs_frames` (safetensors): the picture in the middle of every second.
    frames uint8 (K, H, W, 3), RGB; H and W are multiples of `PAD`, with zeros below and to the
        right of the picture
    size int64 (2,), height and width of the picture without padding
    native int64 (2,), height and width of the upright picture in the video
    starts, ends float64 (K,), borders of the seconds
    frame_times float64 (K,), when each picture is presented
    Status `ok`, or `damaged` where some are older pictures.

`avs_audio` (safetensors): the sound of every second, under three conditions.
    own, silence, noise float32 (K, D): tokens of AST, the mean over a second; of the video's sound,
        of zeros, and of noise as loud as its sound
    rms_db float32 (K,), level of the second in dB of full scale
    valid bool (K,), whether the video has sound then
    dtype, the numeric type in which AST ran
    Status `ok`, `silent` or `no_stream`; all have arrays. Without a stream `own` is that of zeros,
    and no second is valid.

`avs_truth` (safetensors): what sounds, on the pixels of `avs_frames`.
    masks uint8 (K, H, W / 8), packed bits along the rows, nothing in the padding
    status uint8 (K,): `UNLABELLED` (nothing is known), `LABELLED` or `EMPTY` (nothing that is seen
        sounds)
    objects uint8 (K, H, W), only of the built-in world: 1 and 2 for its objects a and b, else 0
    counts int64 (2,), masks of another size than the video, and masks with soft edges
    problems, JSON text: [file, status, reason] of every mask that is not used
    Status `ok`, or `masks_refused` where there are problems. Without masks there is no artifact.

`avs_boxes` (JSON): boxes around what sounds, of training videos alone.
    boxes: [{"second", "label", "left", "top", "right", "bottom"}], edges as shares of the sides
    problems: [file, status, reason]; clipped: how many boxes reached out of their picture
    Of other videos there is no artifact; their files are not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from unmuted.engine.executor import Artifact
    from unmuted.engine.tensors import TensorFile

PAD = 32  # sides of stored pictures are multiples of it, as the coarsest maps of a ResNet need
UNLABELLED, LABELLED, EMPTY = 0, 1, 2
CONDITIONS = ("own", "silence", "noise")  # of the sound that `avs_audio` has


@dataclass(frozen=True)
class Pictures:
    """The pictures of a video, read in slices; see `open_pictures`.

    seconds: K. height, width: of the stored pictures, with padding. content: height and width
    without it. native: height and width in the video.
    """

    file: TensorFile
    seconds: int
    height: int
    width: int
    content: tuple[int, int]
    native: tuple[int, int]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return pictures [start, stop), uint8 (n, H, W, 3)."""
        return self.file.rows("frames", start, stop)

    @property
    def inside(self) -> np.ndarray:
        """Where the picture is and no padding: bool (H, W)."""
        mask = np.zeros((self.height, self.width), bool)
        mask[: self.content[0], : self.content[1]] = True
        return mask


@contextmanager
def open_pictures(artifact: Artifact) -> Iterator[Pictures]:
    """Open an artifact of `avs_frames`; only the pictures that are asked for are read."""
    with artifact.open_tensors() as file:
        seconds, height, width, _ = file.shape("frames")
        content, native = (_pair(file.rows(name)) for name in ("size", "native"))
        yield Pictures(file, seconds, height, width, content, native)


def _pair(size: np.ndarray) -> tuple[int, int]:
    height, width = map(int, size)
    return height, width


def pack_masks(masks: np.ndarray) -> np.ndarray:
    """Pack masks bool (K, H, W), W a multiple of 8, to uint8 (K, H, W / 8)."""
    return np.packbits(masks, axis=-1)


def unpack_masks(packed: np.ndarray) -> np.ndarray:
    """Unpack uint8 (..., W / 8) to masks bool (..., W)."""
    return np.unpackbits(packed, axis=-1).astype(bool)


def padded_side(side: int) -> int:
    """Return the next multiple of `PAD`."""
    return -(-side // PAD) * PAD
