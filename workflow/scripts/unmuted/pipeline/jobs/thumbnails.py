"""Thumbnails of videos: their first pictures, small enough for a table of thousands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from unmuted.dataset.limits import Limits
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.media.images import image_chunks
from unmuted.media.preview import first_picture as first_jpeg

WIDTH, HEIGHT = 64, 48  # pixels; a picture keeps its shape within these
QUALITY = 70  # of the JPEG: some 1.5 kB


def draw(tasks: Sequence[Task], limits: Limits) -> Iterator[Result]:
    """Make a thumbnail of the first picture of each task that has one.

    limits: of an ffmpeg that reads copies.
    """
    for task in tasks:
        if not task.inputs:
            yield Result(task.name, None, "no_picture", "no stage has a picture of it")
            continue
        ((stage, artifact),) = task.inputs.items()
        picture = first_picture(artifact, stage, limits)
        if picture is None:
            yield Result(task.name, None, "no_picture", "its copy cannot be decoded")
            continue
        content = thumbnail(picture)

        def write(path: Path, content: bytes = content) -> None:
            path.write_bytes(content)

        yield Result(task.name, write)


def first_picture(artifact: Artifact, stage: str, limits: Limits) -> np.ndarray | None:
    """Return the first picture of a video, uint8 (H, W, 3), RGB; None where it has none.

    stage: frames, avs_frames or clip_copies.
    """
    if stage == "clip_copies":
        content = first_jpeg(artifact.checked_path(), max(WIDTH, HEIGHT), limits)
        found = (
            cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
        )
        return None if found is None else cv2.cvtColor(found, cv2.COLOR_BGR2RGB)
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
