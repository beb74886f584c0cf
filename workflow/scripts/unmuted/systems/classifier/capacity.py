"""How many parameters a classifier has, and the width that gives it as many as another one."""

from __future__ import annotations

from math import floor, sqrt


def parameter_count(features: int, hidden: int, classes: int) -> int:
    """Trainable parameters of the classifier: LSTM (four gates, two biases each) and head."""
    return 4 * hidden * (features + hidden + 2) + classes * (hidden + 1)


def matched_hidden(features_video: int, features_with_audio: int, hidden: int, classes: int) -> int:
    """Units with which a classifier of video alone has as many parameters as one with audio.

    The nearest whole number, the smaller of equals. One unit more is about 1 / `hidden` more
    parameters: the two counts agree within 1 % from some 64 units on, less well below.
    """
    target = parameter_count(features_with_audio, hidden, classes)
    linear = 4 * (features_video + 2) + classes  # count = 4 H^2 + linear H + classes
    root = floor((sqrt(linear**2 + 16 * (target - classes)) - linear) / 8)
    widths = range(max(1, root - 1), root + 3)  # the root is subject to rounding
    return min(
        widths, key=lambda width: abs(parameter_count(features_video, width, classes) - target)
    )
