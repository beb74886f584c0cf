"""The labels that trained generators attend to for each caption, next to the nearest in meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.engine.executor import Result, Task


def attended(tasks: Sequence[Task], k: int) -> Iterator[Result]:
    """List the k labels of most attention of each caption, with the frozen mapping, per task."""
    from unmuted.features.audioset import load_labels

    names = load_labels()
    for task in tasks:
        frozen = task.inputs["mapping"].json()["captions"]
        attention = task.inputs["generated"].tensors()["attention"]
        yield Result(task.name, {"captions": trained_captions(frozen, attention, names, k)})


def trained_captions(
    frozen: Sequence[Mapping[str, Any]], attention: np.ndarray, names: Sequence[str], k: int
) -> list[dict[str, Any]]:
    """Return each caption with the labels that it attends to, the most first.

    frozen: captions with the labels nearest in meaning, as the stage `mapping` has them; these
    labels are returned under "frozen". attention: float32 (R, L), one row per caption. Equal
    weights go by label index, and labels without attention are left out.
    """
    captions = []
    for caption, weights in zip(frozen, attention, strict=True):
        most = np.argsort(-weights, kind="stable")[:k].tolist()
        labels = [
            {"label": names[i], "index": i, "attention": float(weights[i])}
            for i in most
            if weights[i] > 0
        ]
        captions.append({**caption, "labels": labels, "frozen": caption["labels"]})
    return captions
