"""The images of one clip as tensors of one safetensors file: JPEGs laid end to end, and times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import cv2
import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.engine.tensors import TensorSpool

JPEG_QUALITY = 95
AT_ONCE = 16  # images of a long video that are decoded before the next ones

_JPEG = [
    *(cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
]


def encode_images(
    images: np.ndarray, timestamps: np.ndarray, duration: float
) -> dict[str, np.ndarray]:
    """Pack RGB images.

    Args:
        images: uint8 `(T, H, W, 3)`, RGB.
        timestamps: float64 `(T,)`, seconds after the clip's first frame.
        duration: of the clip, in seconds.

    Returns:
        `jpeg` uint8 `(total,)`; `offsets` int64 `(T + 1,)`, where image i begins and ends;
        `timestamps` float64 `(T,)`; `duration` float64 `(1,)`.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"expected uint8 (T, H, W, 3), found {images.dtype} {images.shape}")
    if timestamps.shape != images.shape[:1]:
        raise ValueError(f"expected {images.shape[0]} timestamps, found {timestamps.shape}")
    files = [_encode(image) for image in images]
    return {
        "jpeg": np.concatenate(files) if files else np.empty(0, np.uint8),
        "offsets": np.cumsum([0, *(len(file) for file in files)], dtype=np.int64),
        "timestamps": np.asarray(timestamps, dtype=np.float64),
        "duration": np.array([duration], dtype=np.float64),
    }


def spool_images(frames: Iterable[tuple[float, np.ndarray]], duration: float) -> TensorSpool:
    """Return what :func:`encode_images` makes, of frames `(time, image)` read one by one.

    Args:
        frames: seconds after the clip's first frame; uint8 `(H, W, 3)`, RGB.
        duration: of the clip, in seconds.
    """
    spool = TensorSpool()
    end, timestamps = 0, []
    spool.append("offsets", np.array([end], dtype=np.int64))
    spool.append("jpeg", np.empty(0, np.uint8))
    for time_s, image in frames:
        file = _encode(image)
        end += len(file)
        spool.append("jpeg", file)
        spool.append("offsets", np.array([end], dtype=np.int64))
        timestamps.append(time_s)
    spool.append("timestamps", np.array(timestamps, dtype=np.float64))
    spool.append("duration", np.array([duration], dtype=np.float64))
    return spool


def image_chunks(artifact: Artifact, size: int = AT_ONCE) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield the images of an artifact, at most `size` at once, and whether they are the last.

    Yields:
        uint8 `(n, H, W, 3)`, RGB. Raises ValueError as :func:`decode_images` does.
    """
    with artifact.open_tensors() as tensors:
        offsets = tensors.rows("offsets")
        _check_offsets(offsets, *tensors.shape("jpeg"))
        count = len(offsets) - 1
        for start in range(0, count, size):
            ends = offsets[start : start + size + 1]
            files = tensors.rows("jpeg", int(ends[0]), int(ends[-1]))
            images = [_decode(files[a - ends[0] : b - ends[0]]) for a, b in pairwise(ends)]
            yield np.stack(images), start + size >= count


def decode_images(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Unpack what :func:`encode_images` made: uint8 `(T, H, W, 3)`, RGB.

    Raises:
        ValueError: the tensors are not such a set.
    """
    jpeg, offsets = tensors["jpeg"], tensors["offsets"]
    _check_offsets(offsets, len(jpeg))
    return np.stack([_decode(jpeg[a:b]) for a, b in pairwise(offsets)])


def centre_square(images: np.ndarray) -> np.ndarray:
    """Return the largest square in the middle of images `(N, H, W, 3)`: `(N, S, S, 3)`, a view.

    Where the margins cannot be equal they are as torchvision's `center_crop` has them.
    """
    height, width = images.shape[1:3]
    side = min(height, width)
    top, left = round((height - side) / 2), round((width - side) / 2)
    return images[:, top : top + side, left : left + side]


def _check_offsets(offsets: np.ndarray, length: int) -> None:
    if (
        len(offsets) < 2
        or offsets[0] != 0
        or offsets[-1] != length
        or (np.diff(offsets) <= 0).any()
    ):
        raise ValueError("offsets do not divide the JPEG bytes into images")


def _encode(image: np.ndarray) -> np.ndarray:
    done, file = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), _JPEG)
    if not done:
        raise ValueError(f"OpenCV cannot encode an image of shape {image.shape}")
    return file.reshape(-1)


def _decode(file: np.ndarray) -> np.ndarray:
    image = cv2.imdecode(np.ascontiguousarray(file), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("not a JPEG image")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
