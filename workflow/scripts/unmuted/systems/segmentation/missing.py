"""What missing sound costs: expected measures over the share of test clips that have lost it.

The masks of a clip depend on its own sound, not on which other clips have lost theirs. So both ends
are measured, through the features of all conditions, and the rest follows; see
`unmuted.evaluation.missing_audio`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.evaluation.missing_audio import expected_correct
from unmuted.systems.segmentation.arms import ARMS, GENERATED, OTHER, REAL, VIDEO_ONLY
from unmuted.systems.segmentation.clip_data import OWN
from unmuted.systems.segmentation.measured import Scored, own_measures
from unmuted.systems.segmentation.sections import Tested, contrast_section, measured

MEASURES = ("ab_iou", "iou", "strict_iou")
MEAN = f"{REAL}.mean"
# What is done about all sound that is lost, against the mean of training audio; one family.
PAIRS = (
    (f"{REAL}.generated", MEAN),
    (f"{REAL}.knn", MEAN),
    (f"{GENERATED}.{OWN}", MEAN),
    (f"{GENERATED}.{OWN}", f"{VIDEO_ONLY}.{OWN}"),
)


def missing_section(
    scores: Mapping[str, Mapping[str, Scored]],
    tested: Tested,
    rates: Sequence[float],
    headline: str,
) -> dict[str, Any]:
    """Measure arms at each share of test clips without their sound, and contrast what fills it.

    scores: by arm and condition. rates: the shares. headline: the measure of the contrasts, where
    no clip has its sound. An entry is named by the arm and by the condition that stands for lost
    sound: `mean`, `silence`, what is looked up or generated, and so on; arms that read the picture
    alone lose nothing, so that theirs is `own`.
    """
    rates = sorted(rates)
    lost: dict[str, np.ndarray] = {}
    curves: dict[str, dict[str, list[Any]]] = {}
    for arm, condition in _lost_conditions(scores):
        name = f"{arm}.{condition}"
        ends = [_measures(scores[arm][one], tested) for one in (OWN, condition)]
        lost[name] = ends[1][headline]
        curves[name] = {
            measure: [
                measured(expected_correct(ends[0][measure], ends[1][measure], r), tested.bootstrap)
                for r in rates
            ]
            for measure in MEASURES
        }
    pairs = [pair for pair in PAIRS if set(pair) <= set(lost)]
    return {
        "rates": rates,
        "curves": curves,
        "contrasts": contrast_section(lost, pairs, tested, None),
    }


def _lost_conditions(scores: Mapping[str, Mapping[str, Scored]]) -> Iterator[tuple[str, str]]:
    """Yield arms with the conditions that stand for lost sound."""
    for name, by_condition in scores.items():
        if name == REAL:
            yield from ((name, one) for one in by_condition if one not in (OWN, OTHER))
        elif ARMS[name].reads_only_picture:
            yield name, OWN


def _measures(scored: Scored, tested: Tested) -> dict[str, np.ndarray]:
    found = own_measures(scored, tested.seconds, tested.clips)
    return {name: found[name] for name in MEASURES}
