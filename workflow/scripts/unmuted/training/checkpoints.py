"""A training run's checkpoints, and as one flat dict of arrays, as safetensors keeps it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.training.loop import History
from unmuted.training.states import State


@dataclass(frozen=True)
class Fit:
    """A training run: its checkpoints (chosen from later, on validation) and its losses."""

    snapshots: list[State]
    epochs: list[int]
    history: History


def even_epochs(epochs: int, snapshots: int) -> list[int]:
    """Return the epochs after which a checkpoint is kept, evenly spaced, the last one included."""
    return [epochs * (i + 1) // snapshots for i in range(snapshots)]


def pack_fit(fit: Fit) -> State:
    """Return checkpoints under `snapshot.<i>.`, their epochs, and loss curves under `history.`."""
    packed: State = {"epochs": np.array(fit.epochs, dtype=np.int64)}
    for i, state in enumerate(fit.snapshots):
        packed |= {f"snapshot.{i}.{name}": array for name, array in state.items()}
    for key in fit.history[0]:
        packed[f"history.{key}"] = np.array([row[key] for row in fit.history], np.float32)
    return packed


def unpack_fit(packed: State) -> Fit:
    """Return the run that `pack_fit` was given."""
    epochs = packed["epochs"].tolist()
    curves = {k.removeprefix("history."): v for k, v in packed.items() if k.startswith("history.")}
    length = len(next(iter(curves.values()), ()))
    history = [{key: float(curve[i]) for key, curve in curves.items()} for i in range(length)]
    return Fit([snapshot(packed, i) for i in range(len(epochs))], epochs, history)


def snapshot(packed: State, index: int) -> State:
    """Return one checkpoint of such a dict."""
    prefix = f"snapshot.{index}."
    return {k.removeprefix(prefix): v for k, v in packed.items() if k.startswith(prefix)}
