"""What architecture 1's Feature Filter decides of a video's generated audio, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.executor import Artifact
from unmuted.site.sections import Cell, Table
from unmuted.systems.arch1.filter_rule import filter_rule

ARM = "filtered"
READS = ("predicted_labels", "comparison_predictions")
POSTERIOR = "video_posterior"


def filter_table(
    inputs: Mapping[str, Artifact], settings: Mapping[str, Any], choice: Mapping[str, Any] | None
) -> Table | None:
    """Return the decision of each seed; None where the filter decides nothing of this video.

    settings: the configuration's section `filter`. choice: of the stage `comparison_selection`.
    """
    if choice is None or not all(stage in inputs for stage in READS):
        return None
    kept = inputs["comparison_predictions"].json()["kept"].get(ARM)
    if kept is None:
        return None
    limits = _limits(choice)
    similarity = _similarity(inputs, settings)
    rows: list[list[Cell]] = [
        [
            *(seed, "kept" if is_kept else "rejected"),
            None if similarity is None else float(similarity[seed]),
            None if limits is None else float(limits[seed]),
        ]
        for seed, is_kept in enumerate(kept)
    ]
    columns = ["generator", "decision", "similarity with the expected action", "least similarity"]
    caption = (
        "The filter keeps generated audio whose predicted labels are near to the action that the "
        "video suggests; each seed has its own generator and bound"
    )
    return Table(columns, rows, caption, "filter")


def _similarity(inputs: Mapping[str, Artifact], settings: Mapping[str, Any]) -> np.ndarray | None:
    """Return the similarity (S,) that the filter compares; None where it needs the true label."""
    if settings["mode"] == "uniform" or POSTERIOR not in inputs:
        return None
    of_actions = inputs["predicted_labels"].tensors()["similarity"]  # (S, C)
    posterior = inputs[POSTERIOR].tensors()["probabilities"]  # (S, C)
    judged = filter_rule(settings).judge(of_actions[None], posterior[:, None], None)
    return judged[0]


def _limits(choice: Mapping[str, Any]) -> Sequence[float] | None:
    chosen = choice["filters"].get(ARM)
    if chosen is None:
        return None
    by_percentile = {one["percentile"]: one["thresholds"] for one in chosen["candidates"]}
    return by_percentile.get(chosen["chosen"])
