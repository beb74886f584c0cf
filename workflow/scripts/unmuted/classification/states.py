"""A training run of a classifier as one flat dict of arrays, as safetensors keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from unmuted.classification.lstm import Classifier
from unmuted.classification.training import Fit, load_classifier
from unmuted.fitting.states import State
from unmuted.runner import Artifact


def pack_fit(fit: Fit) -> State:
    """Checkpoints under `snapshot.<i>.`, their epochs, and the loss curves under `history.`."""
    packed = {"epochs": np.array(fit.epochs, dtype=np.int64)}
    for i, state in enumerate(fit.snapshots):
        packed |= {f"snapshot.{i}.{name}": array for name, array in state.items()}
    for key in fit.history[0]:
        packed[f"history.{key}"] = np.float32([row[key] for row in fit.history])
    return packed


def unpack_fit(packed: State) -> Fit:
    """The run that `pack_fit` was given."""
    epochs = packed["epochs"].tolist()
    curves = {k.removeprefix("history."): v for k, v in packed.items() if k.startswith("history.")}
    length = len(next(iter(curves.values()), ()))
    history = [{key: float(curve[i]) for key, curve in curves.items()} for i in range(length)]
    return Fit([_snapshot(packed, i) for i in range(len(epochs))], epochs, history)


def load_chosen(
    classifiers: Mapping[int, Mapping[str, Artifact]],
    selection: Mapping[str, Sequence[Mapping[str, object]]],
    device: str,
) -> dict[str, list[Classifier]]:
    """The network of each arm's chosen checkpoint, one a seed, in the order of the seeds."""

    def network(arm: str, choice: Mapping[str, object]) -> Classifier:
        packed = classifiers[choice["seed"]][arm].tensors()
        return load_classifier(_snapshot(packed, choice["snapshot"]), device)

    return {arm: [network(arm, choice) for choice in choices] for arm, choices in selection.items()}


def _snapshot(packed: State, index: int) -> State:
    prefix = f"snapshot.{index}."
    return {k.removeprefix(prefix): v for k, v in packed.items() if k.startswith(prefix)}
