"""The cost of missing audio for each arm, and whether imputing it helps.

Every clip is predicted alone, so that the prediction of a clip depends on its own sound, not on
which others have lost theirs. The accuracy at a rate r of missing sound is then, in expectation
over all masks, (1 - r) times that with own sound plus r times that with missing sound: a straight
line with no information between its ends. So the ends are measured, and the rest follows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.evaluation.arms import missing_audio_pairs
from unmuted.evaluation.bootstrap import GroupBootstrap
from unmuted.evaluation.outcomes import contrasts, measure

KIND = "no_stream"  # of missing audio, which the contrasts are about
FAMILIES = (
    ". Those under `missing` are families of their own: one for each share of training clips "
    "without sound, of all its pairs"
)


@dataclass(frozen=True)
class CorrectByAudio:
    """Whether an arm's classifiers are right about each clip, (S, N), by the audio that they get.

    Attributes:
        own: the clip's own audio.
        missing: none, so that the arm imputes it.
        noise, swapped: noise or the audio of the swap partner, which the arm takes for its own.
    """

    own: np.ndarray
    missing: np.ndarray
    noise: np.ndarray
    swapped: np.ndarray

    def without(self, kind: str) -> np.ndarray:
        """Return (S, N) if every clip has lost its sound in this way."""
        imputed = kind in ("no_stream", "silence")
        return self.missing if imputed else getattr(self, kind)


def expected_correct(own: np.ndarray, missing: np.ndarray, rate: float) -> np.ndarray:
    """Return how often each clip is right, (S, N), in expectation over masks with this rate.

    own, missing: (S, N), with own and with missing sound. rate: share of clips without their sound,
    each of which loses it whatever the others do.
    """
    return (1 - rate) * own + rate * missing


def missing_accuracy(
    correct: Mapping[str, CorrectByAudio],
    rates: Sequence[float],
    kinds: Sequence[str],
    bootstrap: GroupBootstrap,
    leaks: Collection[str],
) -> dict[str, Any]:
    """Compute the accuracy of each arm with own and with missing sound, by kind and arm.

    rates: shares of clips without sound at which the accuracy is expected. leaks: arms that read
    the label of test clips.
    """
    return {
        kind: {
            arm: _accuracy(by_audio.own, by_audio.without(kind), rates, bootstrap)
            | {"leaks": arm in leaks}
            for arm, by_audio in correct.items()
        }
        for kind in kinds
    }


def imputation_contrasts(
    correct: Mapping[str, CorrectByAudio], bootstrap: GroupBootstrap, leaks: Collection[str]
) -> dict[str, Any]:
    """Contrast the arms of all `missing_audio_pairs` where no clip has its sound: one family.

    Nothing but what is imputed differs there; at any lower rate the difference is a mixture with
    that of the same arms on whole sound. correct, leaks: as in `missing_accuracy`.
    """
    pairs = [pair for pair in missing_audio_pairs() if set(pair) <= set(correct)]
    by_pair = contrasts(
        {
            "-".join(pair): (correct[pair[0]].without(KIND), correct[pair[1]].without(KIND))
            for pair in pairs
        },
        bootstrap,
    )
    return {
        "-".join(pair): by_pair["-".join(pair)] | {"leaks": not set(pair).isdisjoint(leaks)}
        for pair in pairs
    }


def _accuracy(
    own: np.ndarray, missing: np.ndarray, rates: Sequence[float], bootstrap: GroupBootstrap
) -> dict[str, Any]:
    def averaged(correct: np.ndarray) -> dict[str, Any]:
        return measure(correct.mean(axis=1), bootstrap.means(correct))

    return {
        "own": averaged(own),
        "missing": averaged(missing),
        "difference": averaged(missing - own),
        "expected": [averaged(expected_correct(own, missing, rate)) for rate in rates],
    }
