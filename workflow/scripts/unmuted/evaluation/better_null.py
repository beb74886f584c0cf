"""The contrast of a generator with the better of its two nulls, by an intersection-union test.

Generated audio is a function of the video. What it adds is what it adds to audio that knows nothing
of the relation of picture and sound (`generated_null`), and to audio that knows nothing but the
class that the picture suggests (`expected_class_sound`). Nothing is claimed that does not hold
against both: the larger p-value of the two counts (Berger 1982).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def against_better_null(
    by_null: Mapping[str, Mapping[str, Any]], correct: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return the contrast against the null with the higher mean accuracy on the test clips.

    by_null: the contrasts (see `outcomes.contrast`) of one arm against each null. correct: (S, N)
    by arm. Its p-value is the larger one of all; `null` names the better one, the first of equals.
    """
    better = max(by_null, key=lambda null: float(correct[null].mean()))
    p = max(contrast["p"] for contrast in by_null.values())
    return {**by_null[better], "primary": True, "p": p, "p_adjusted": p, "null": better}
