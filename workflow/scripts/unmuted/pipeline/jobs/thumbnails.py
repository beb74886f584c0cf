"""Thumbnails of videos: their first pictures, small enough for a table of thousands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from unmuted.engine.executor import Artifact, Result, Task
from unmuted.media.images import image_chunks

WIDTH, HEIGHT = 64, 48  # pixels; a picture keeps its shape within these
QUALITY = 70  # of the JPEG: some 1.5 kB


def draw(tasks: Sequence[Task]) -> Iterator[Result]:
    """Make a thumbnail of the first picture of each task that has one."""
    for task in tasks:
        if not task.inputs:
            yield Result(task.name, None, "no_picture", "no stage has a picture of it")
            continue
        ((stage, artifact),) = task.inputs.items()
        content = thumbnail(first_picture(artifact, stage))

        def write(path: Path, content: bytes = content) -> None:
            path.write_bytes(content)

        yield Result(task.name, write)


def first_picture(artifact: Artifact, stage: str) -> np.ndarray:
    """Return the first picture of a video, uint8 (H, W, 3), RGB; stage: frames or avs_frames."""
    if stage == "frames":
        images, _ = next(image_chunks(artifact, 1))
        return np.asarray(images[0])
    with artifact.open_tensors() as tensors:
        height, width = tensors.rows("size")
        return tensors.rows("frames", 0, 1)[0, :height, :width]


def thumbnail(picture: np.ndarray) -> bytes:
    """Return a picture uint8 (H, W, 3), RGB, as a JPEG that fits into 64 x 48 pixels."""
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    done, file = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"OpenCV cannot encode an image of shape {small.shape}")
    return file.tobytes()
