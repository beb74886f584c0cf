"""Optical flow between neighbouring frames as colour images: direction is hue, speed is brightness.

Algorithm and parameters are the source's (Farneback 2003, OpenCV). The source scales the
brightness of each pair to its own extremes, which makes camera noise as bright as a sprint; here
it is a fixed scale in pixels per second.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from unmuted.media.opencv import single_thread

# pyr_scale, levels, winsize, iterations, poly_n, poly_sigma, flags
FARNEBACK = (0.5, 3, 15, 3, 5, 1.2, 0)


def flow_images(
    images: np.ndarray,
    timestamps: np.ndarray,
    max_speed: float,
    scale: Literal["fixed", "per_pair"] = "fixed",
) -> np.ndarray:
    """Colour-code the flow between neighbours.

    Args:
        images: uint8 `(T, H, W, 3)`, RGB.
        timestamps: `(T,)`, when each is presented, in seconds, not falling. The frames of a time
            grid lie nearer or farther apart than its steps, depending on the file's frame rate.
        max_speed: shown at full brightness, as is all above, in pixels of `images` per second.
        scale: `fixed`, or `per_pair` for the source's scale from each pair's slowest pixel to its
            fastest.

    Returns:
        uint8 `(T, H, W, 3)`, RGB; image i shows the motion from frame i - 1 to frame i, image 0
        repeats image 1. Where one frame stands at several steps, so does the motion with which it
        came. A single frame has no motion: black.
    """
    if max_speed <= 0:
        raise ValueError(f"expected a positive speed, found {max_speed} px/s")
    seconds = elapsed(timestamps, len(images))
    full_scale = seconds * max_speed  # pixels, (T,)
    coded = np.zeros_like(images)
    with single_thread():
        gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
        for i in np.flatnonzero(seconds):
            # None: OpenCV makes the array, which its types do not know.
            flow = cv2.calcOpticalFlowFarneback(  # type: ignore[call-overload]
                gray[i - 1], gray[i], None, *FARNEBACK
            )
            coded[i] = _colour(flow, full_scale[i] if scale == "fixed" else None)
    return coded[latest_motion(seconds)]


def elapsed(timestamps: np.ndarray, count: int) -> np.ndarray:
    """Return the seconds since the frame before, float64 `(count,)`; 0 for repeated frames.

    The first frame has 0 as well.

    Raises ValueError where there is not one time for each frame, or a time falls.
    """
    seconds = np.diff(timestamps, prepend=timestamps[:1])
    if len(seconds) != count or (seconds < 0).any():
        raise ValueError(f"expected {count} times that do not fall, found {list(timestamps)}")
    return seconds


def latest_motion(seconds: np.ndarray) -> np.ndarray:
    """Return for each step, int64 `(T,)`, the step whose frame came last, or else the first."""
    came = np.flatnonzero(seconds)
    if len(came) == 0:
        return np.arange(len(seconds))
    latest = np.searchsorted(came, np.arange(len(seconds)), side="right") - 1
    return came[np.maximum(latest, 0)]


def _colour(flow: np.ndarray, full_scale: float | None) -> np.ndarray:
    """Return RGB `(H, W, 3)` of a flow field `(H, W, 2)`.

    full_scale: in pixels; None for the extremes of the field.
    """
    magnitude, angle = cv2.cartToPolar(flow[..., 0], flow[..., 1])
    if full_scale is None:
        brightness = cv2.normalize(  # type: ignore[call-overload]  # None, as above
            magnitude, None, 0, 255, cv2.NORM_MINMAX
        )
    else:
        brightness = np.minimum(magnitude * (255.0 / full_scale), 255.0)
    hue = np.rad2deg(angle) / 2  # OpenCV counts hue in steps of 2 degrees
    hsv = np.stack([hue, np.full_like(hue, 255), brightness], axis=-1)
    return cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)
