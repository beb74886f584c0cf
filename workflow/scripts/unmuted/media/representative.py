"""Representative frames: those that move clearly more than the clip does on average."""

from __future__ import annotations

import cv2
import numpy as np

from unmuted.media.flow import elapsed, latest_motion
from unmuted.media.opencv import single_thread


def motion_magnitudes(images: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
    """Return the mean optical flow of each frame.

    The flow is DIS (Kroeger et al., ECCV 2016), OpenCV's medium preset.

    A speed, and not a shift: neighbours on a time grid are not equally far apart (at 25 fps by up
    to a quarter), and a steady pan would else seem to speed up and slow down.

    Args:
        images: uint8 `(T, H, W, 3)`, RGB.
        timestamps: `(T,)`, when each is presented, in seconds.

    Returns:
        float32 `(T,)` in pixels a second. The flow between two neighbours belongs to the later one;
        the first frame takes the value of the second. A frame shown again keeps the speed with
        which it came; a single frame has 0.
    """
    seconds = elapsed(timestamps, len(images))
    magnitudes = np.zeros(len(images), dtype=np.float32)
    with single_thread():
        estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        gray = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]
        for i in np.flatnonzero(seconds):
            # None: OpenCV makes the array, which its types do not know.
            flow = estimator.calc(gray[i - 1], gray[i], None)  # type: ignore[call-overload]
            magnitudes[i] = np.linalg.norm(flow, axis=-1).mean(dtype=np.float64) / seconds[i]
    return magnitudes[latest_motion(seconds)]


def representative_steps(magnitudes: np.ndarray, ratio: float = 1.2) -> list[int]:
    """Return the steps whose magnitude is above `ratio` times the mean, in order.

    Where none is, the step with the largest magnitude (the first of equals), so that a still clip
    has a representative too.
    """
    if len(magnitudes) == 0:
        raise ValueError("expected the magnitudes of at least one frame")
    threshold = ratio * float(np.mean(magnitudes, dtype=np.float64))
    above = np.flatnonzero(np.asarray(magnitudes, dtype=np.float64) > threshold)
    return [int(step) for step in above] or [int(np.argmax(magnitudes))]
