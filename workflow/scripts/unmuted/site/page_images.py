"""Small pictures of a page as data URIs: thumbnails of frames, and arrays as colours."""

from __future__ import annotations

import cv2
import numpy as np

from unmuted.site.render import data_uri

THUMBNAIL = 160  # pixels of the longer side
_JPEG = [cv2.IMWRITE_JPEG_QUALITY, 82]
BLUE, RED = (43, 116, 200), (209, 52, 62)  # of contrast 3 to a light and to a dark page


def thumbnail(image: np.ndarray) -> str:
    """Return a picture uint8 (H, W, 3), RGB, as a JPEG of at most `THUMBNAIL` pixels a side."""
    height, width = image.shape[:2]
    factor = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    done, file = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), _JPEG)
    if not done:
        raise ValueError(f"OpenCV cannot encode a picture of shape {image.shape}")
    return data_uri(file.tobytes(), "image/jpeg")


def heat_image(values: np.ndarray, scale: float) -> str:
    """Return values (rows, columns) as a PNG: blue at -scale, nothing at 0, red at +scale.

    Between them the opacity is the square root of a value's size, which shows small values beside
    large ones, on a light page and on a dark one. A row of values is a row of the picture, the
    first at the top; a value is a pixel.
    """
    share = np.clip(values / scale, -1, 1) if scale > 0 else np.zeros_like(values)
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where((share < 0)[..., None], BLUE[::-1], RED[::-1])  # OpenCV's order
    pixels[..., 3] = (255 * np.sqrt(np.abs(share))).round()
    return _png(pixels)


def level_image(decibels: np.ndarray, low: float, high: float) -> str:
    """Return levels (bands, windows) as a PNG, dark to bright; the lowest band is at the bottom."""
    place = np.clip((decibels - low) / max(high - low, 1e-9), 0, 1)
    grey = (255 * place[::-1]).round().astype(np.uint8)
    return _png(cv2.applyColorMap(grey, cv2.COLORMAP_MAGMA))


def _png(pixels: np.ndarray) -> str:
    done, file = cv2.imencode(".png", pixels)
    if not done:
        raise ValueError(f"OpenCV cannot encode pixels of shape {pixels.shape}")
    return data_uri(file.tobytes(), "image/png")
