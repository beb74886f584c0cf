"""Masks in PNG files, which are not trusted: what of them is foreground, and what is refused.

A file is read once, without following links, and its size is known before its pixels are decoded.
Nothing is dithered: Pillow's own conversion to one bit would scatter the edges of a grey mask.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from unmuted.files import NotAFile, read_bytes_up_to
from unmuted.text import one_line

MAX_BYTES = 64_000_000
LEAST_PIXELS = 1 << 20  # that a mask may have, however small its video is
LARGER_THAN_VIDEO = 4  # times the pixels of its video


class MaskProblem(Exception):
    """Why a mask is not used: a status, and a reason in words."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class MaskFile:
    """The foreground of a file, bool (H, W), and whether its edges were soft."""

    mask: np.ndarray
    is_soft: bool


def read_mask(path: Path, most_pixels: int, foreground: str = "one") -> MaskFile:
    """Return the foreground of a PNG file.

    most_pixels: of the video; a mask may have some more. foreground: "one" or "nonzero", see
    `unmuted.config.segmentation`.

    Raises:
        MaskProblem: `mask_unreadable`, `mask_too_large` or `mask_is_class_map`.
    """
    try:
        content = read_bytes_up_to(path, MAX_BYTES)
    except (OSError, ValueError, NotAFile) as error:
        raise MaskProblem("mask_unreadable", one_line(str(error))) from error
    if len(content) > MAX_BYTES:
        raise MaskProblem("mask_too_large", f"more than {MAX_BYTES:,} bytes")
    pixels = _decoded(content, max(LEAST_PIXELS, LARGER_THAN_VIDEO * most_pixels))
    return _foreground(pixels, foreground == "nonzero")


def resized(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the nearest pixels of a mask (..., H, W), (..., height, width)."""
    down = ((np.arange(height) + 0.5) * mask.shape[-2] / height).astype(int)
    across = ((np.arange(width) + 0.5) * mask.shape[-1] / width).astype(int)
    return mask[..., down[:, None], across]


def has_aspect(mask: np.ndarray, height: int, width: int) -> bool:
    """Return whether a mask (H, W) is a picture of this size in another scale, to a pixel."""
    rows, columns = mask.shape
    return abs(columns - width * rows / height) <= 1 or abs(rows - height * columns / width) <= 1


def second_of_name(name: str) -> int | None:
    """Return the second that a file belongs to: the number at the end of its name, before the dot.

    None for a name without one, or with one of more than six digits.
    """
    stem = os.path.splitext(name)[0]
    digits = stem[len(stem.rstrip("0123456789")) :]
    return int(digits) if digits.isascii() and 1 <= len(digits) <= 6 else None


def _decoded(content: bytes, most_pixels: int) -> np.ndarray:
    """Return grey values (H, W) or colours (H, W, 3); palettes are resolved, alpha is ignored."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
                width, height = image.size
                if width * height > most_pixels:
                    reason = f"{width}x{height} pixels, allowed are {most_pixels:,}"
                    raise MaskProblem("mask_too_large", reason)
                resolved = image.convert("RGB") if image.mode in ("P", "PA") else image
                values = np.array(resolved)
    except Image.DecompressionBombError as error:
        raise MaskProblem("mask_too_large", one_line(str(error))) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # SyntaxError: a broken chunk
        raise MaskProblem("mask_unreadable", one_line(str(error))) from error
    if values.ndim == 2:
        return values
    values = values[..., :3] if values.shape[-1] >= 3 else values[..., :1]
    return values[..., 0] if (values == values[..., :1]).all() else values


def _foreground(values: np.ndarray, nonzero: bool) -> MaskFile:
    if values.ndim == 3:
        red, green, blue = np.moveaxis(values.astype(np.int64), -1, 0)
        values = (red << 16) + (green << 8) + blue
        count = len(np.unique(values))
        if count > 2 and not nonzero:
            raise MaskProblem(
                "mask_is_class_map",
                f"{count} colours; with avs.foreground: nonzero, all but black is foreground",
            )
        return MaskFile(values != 0, False)
    if nonzero or len(np.unique(values)) <= 2:
        return MaskFile(values != 0, False)
    return MaskFile(values.astype(np.int64) * 2 >= int(values.max()), True)
