"""Controls, which must not win, and ceilings: contrasts that stand outside Holm's family."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from unmuted.config.experiment import EvaluationSettings
from unmuted.evaluation.arms import REFERENCE
from unmuted.evaluation.bootstrap import (
    ALPHA,
    GroupBootstrap,
    detection,
    smallest_detectable,
)

MARGIN: float = EvaluationSettings.model_fields["equivalence_margin"].default
CEILING = "real_audio"  # the arm with the clips' own sound
OK, UNDECIDED, ALARM = "ok", "undecided", "ALARM"
# Controls of the Feature Filter: they keep some generated audio, and may win where it helps.
OF_FILTER = ("random_filter", "mask_only")


def family_of(pair: tuple[str, str], roles: Mapping[str, str], is_primary: bool) -> str:
    """Return the family of a contrast: "primary", "hypothesis", "control" or "ceiling".

    Only hypotheses are one family of Holm's method. A control's own gain is to be ruled out, and
    that of real audio, or of an arm that leaks, is no question; neither costs the hypotheses any
    power. roles: by arm, as `roles_of` gives them; an arm without is none of these.
    """
    if is_primary:
        return "primary"
    if CEILING in pair or "leaks" in {roles.get(arm) for arm in pair}:
        return "ceiling"
    return "control" if roles.get(pair[0]) == "control" else "hypothesis"


def is_judged(pair: tuple[str, str], family: str) -> bool:
    """Tell whether the first arm of a control's contrast must not win."""
    return family == "control" and pair[0] not in OF_FILTER


def control_pairs(roles: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the contrasts of controls with the reference; roles: by arm."""
    return [(arm, REFERENCE) for arm, role in roles.items() if role == "control"]


def control_status(
    contrast: Mapping[str, Any], difference: np.ndarray, bootstrap: GroupBootstrap, margin: float
) -> dict[str, Any]:
    """Judge a control by its contrast with an arm that it must not beat.

    "ALARM": it is significantly better, without any adjustment. "ok": its interval lies below the
    margin, so that it is shown to be equivalent or worse. "undecided": its interval reaches beyond
    the margin; `clips_needed` is about the number of test clips with which a control that gains
    nothing would be found "ok" 4 times in 5, None where only more seeds could do that.

    difference: float (S, N), correctness of the control minus that of the other arm.
    """
    status = OK if contrast["ci95"][1] <= margin else UNDECIDED
    if contrast["delta"] > 0 and contrast["p"] < ALPHA:
        status = ALARM
    return {
        "margin": margin,
        "status": status,
        "clips_needed": _clips_needed(difference, bootstrap, margin)
        if status == UNDECIDED
        else None,
    }


def alarms(contrasts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of the contrasts in which a control wins."""
    return [
        name
        for name, contrast in contrasts.items()
        if contrast.get("control", {}).get("status") == ALARM
    ]


def _clips_needed(difference: np.ndarray, bootstrap: GroupBootstrap, margin: float) -> int | None:
    """Estimate the test clips needed; more of them do not reduce what is the luck of a seed."""
    luck = (detection(ALPHA) ** 2) * _luck_of_seeds(difference, bootstrap)
    of_clips = max(smallest_detectable(bootstrap.means(difference)) ** 2 - luck, 0.0)
    room = margin**2 - luck
    return max(1, math.ceil(difference.shape[1] * of_clips / room)) if room > 0 else None


def _luck_of_seeds(difference: np.ndarray, bootstrap: GroupBootstrap) -> float:
    """Estimate the variance of a mean difference (S, N) that is between seeds on any clips.

    It is the variance of the seeds' means, less what they vary because seeds differ on single
    clips, which more clips average out.
    """
    seeds, clips = difference.shape
    if seeds == 1:
        return 0.0
    of_seed = difference - difference.mean(axis=0)
    residuals = of_seed - of_seed.mean(axis=1, keepdims=True)
    by_group = np.zeros((bootstrap.draws.shape[1], seeds))
    np.add.at(by_group, bootstrap.group_of_clip, residuals.T)
    by_clips = float((by_group**2).sum()) / (seeds - 1) / clips**2
    return max(float(of_seed.mean(axis=1).var(ddof=1)) - by_clips, 0.0) / seeds
