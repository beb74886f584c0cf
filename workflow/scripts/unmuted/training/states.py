"""A fitted model as a flat dict of numpy arrays, as safetensors keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

State = dict[str, np.ndarray]

WEIGHTS = "model."
SETTINGS = "settings"  # JSON in UTF-8, since safetensors holds numbers only


def pack(model: torch.nn.Module, settings: Mapping[str, Any], **arrays: np.ndarray) -> State:
    """Return the weights of `model` (a copy), its settings and further arrays in one dict."""
    text = json.dumps(dict(settings), sort_keys=True)
    state = {SETTINGS: np.frombuffer(text.encode(), dtype=np.uint8).copy()}
    for name, tensor in model.state_dict().items():
        state[WEIGHTS + name] = tensor.detach().cpu().numpy().copy()
    return {**state, **{name: np.ascontiguousarray(array) for name, array in arrays.items()}}


def settings_of(state: State) -> dict[str, Any]:
    """Return the settings that `pack` was given."""
    return json.loads(state[SETTINGS].tobytes().decode())


def load_weights(model: torch.nn.Module, state: State, device: str) -> torch.nn.Module:
    """Load the weights of `state` into `model`, on `device`, ready for inference."""
    weights = {
        name.removeprefix(WEIGHTS): torch.tensor(array)
        for name, array in state.items()
        if name.startswith(WEIGHTS)
    }
    model.load_state_dict(weights)
    return model.to(device).eval()
