"""The accuracy of arms with zeros in place of the audio that was made for them.

An arm whose classifier does better without its audio has audio that is worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unmuted.evaluation.arms import COMPARISON_ARMS, MAIN
from unmuted.evaluation.outcomes import measure
from unmuted.evaluation.tested import TestedClips


def with_muted_arms(report: Mapping[str, Any], tested: TestedClips) -> dict[str, Any]:
    """Add `without_audio` to the arms of a report whose audio is made."""
    arms = {
        name: {**arm, "without_audio": _accuracy(name, tested)}
        if COMPARISON_ARMS[name].has_made_audio
        else arm
        for name, arm in report["arms"].items()
    }
    return {**report, "arms": arms}


def _accuracy(name: str, tested: TestedClips) -> dict[str, Any]:
    """Measure the accuracy of an arm's classifiers with zeros for audio, training mean of all."""
    arm = COMPARISON_ARMS[name]
    predictions = tested.predictions(arm.predictions)
    if arm.predictions == MAIN:
        by_clip = [clip["arms"][arm.main_name]["without_audio"] for clip in predictions]
    else:
        by_clip = [clip["without_audio"][name] for clip in predictions]
    probabilities = np.array(by_clip, np.float32).swapaxes(0, 1)  # (S, N, C)
    correct = (probabilities.argmax(axis=2) == tested.labels).astype(np.float64)
    return measure(correct.mean(axis=1), tested.bootstrap.means(correct))
