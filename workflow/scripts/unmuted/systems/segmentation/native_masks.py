"""Masks at the size of the video, as files and as drawings."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from unmuted.media.opencv import single_thread
from unmuted.systems.segmentation.stored_probabilities import dequantised

STAMP = (1980, 1, 1, 0, 0, 0)  # of every file in an archive, so that its bytes are the same
TINT, STRENGTH = (255, 64, 0), 0.35  # of what sounds
OUTLINE = (255, 220, 0)
FILE_MODE = 0o644 << 16


def native_mask(
    stored: np.ndarray, size: Sequence[int], native: Sequence[int], threshold: float
) -> np.ndarray:
    """Return the mask of a second, bool (native height, native width).

    stored: uint8 (H, W), probabilities with padding. size: height and width without it. native:
    those of the video. threshold: the probability from which a pixel is marked.
    """
    height, width = (int(side) for side in size)
    probability = dequantised(stored[:height, :width])
    with single_thread():
        enlarged = cv2.resize(
            probability, (int(native[1]), int(native[0])), interpolation=cv2.INTER_LINEAR
        )
    return enlarged >= np.float32(threshold)


def write_archive(path: Path, masks: Iterable[np.ndarray]) -> None:
    """Write masks, bool (H, W), as `<second>.png`: mode L, 0 and 255; equal masks, equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for second, mask in enumerate(masks):
            image = io.BytesIO()
            Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).save(image, "PNG")
            entry = zipfile.ZipInfo(f"{second}.png", STAMP)
            entry.external_attr = FILE_MODE
            archive.writestr(entry, image.getvalue())


class Drawer:
    """Draws the mask of each second on its frames: a tint, an outline, and a note.

    mask_of: returns the mask of a second at the video's size; called once a second at most. notes:
    of the seconds, such as "no sound"; empty for none. Behind the last second nothing is drawn.
    """

    def __init__(self, mask_of: Callable[[int], np.ndarray], notes: Sequence[str]) -> None:
        self._mask_of, self._notes = mask_of, notes
        self._second, self._mask = -1, np.zeros((0, 0), bool)

    def draw(self, time_s: float, image: np.ndarray) -> np.ndarray:
        """Draw on a picture uint8 (H, W, 3) in place, and return it."""
        second = int(time_s + 1e-6)
        if second >= len(self._notes):
            return image
        if second != self._second:
            self._second, self._mask = second, self._mask_of(second)
        with single_thread():
            if self._mask.any():
                draw_mask(image, self._mask)
            if note := self._notes[second]:
                write_note(image, note)
        return image


def draw_mask(image: np.ndarray, mask: np.ndarray) -> None:
    """Tint the pixels of a mask and draw its outline, in place."""
    marked = image[mask].astype(np.float32)
    image[mask] = (marked * (1 - STRENGTH) + np.array(TINT, np.float32) * STRENGTH).astype(np.uint8)
    thickness = max(1, round(min(mask.shape) / 240))
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, contours, -1, OUTLINE, thickness)


def write_note(image: np.ndarray, note: str) -> None:
    """Write a line at the top left, in place; as large as the picture's short side allows."""
    side = min(image.shape[:2])
    scale, thickness = max(side / 360, 0.3), max(1, round(side / 240))
    face = cv2.FONT_HERSHEY_SIMPLEX
    (width, height), below = cv2.getTextSize(note, face, scale, thickness)
    margin = max(2, height // 2)
    corner = margin + width + margin, margin + height + below + margin
    cv2.rectangle(image, (0, 0), corner, (16, 16, 16), -1)
    place = (margin, margin + height)
    cv2.putText(image, note, place, face, scale, (255, 255, 255), thickness, cv2.LINE_AA)
