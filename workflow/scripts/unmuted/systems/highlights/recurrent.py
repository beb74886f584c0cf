"""Bidirectional GRUs, several at once.

On a CPU most of the time of a small GRU passes in starting operations. So at every step, both
directions of all GRUs go through each operation together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def bidirectional_states(grus: Sequence[nn.GRU], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Compute the states (B, L, 2 H) of each GRU on its input (B, L, W).

    The GRUs have one layer, two directions, one size, and take batches first. The states are those
    that each would give on its own, up to rounding; on a GPU, each does.
    """
    if inputs[0].is_cuda:
        return [gru(x)[0] for gru, x in zip(grus, inputs, strict=True)]
    gates, weights, biases = [], [], []
    for gru, x in zip(grus, inputs, strict=True):
        for direction in ("", "_reverse"):
            w_in, w, b_in, b = (
                getattr(gru, f"{name}_l0{direction}")
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            of_input = F.linear(x.transpose(0, 1), w_in, b_in)  # (L, B, 3 H)
            gates.append(of_input.flip(0) if direction else of_input)
            weights.append(w.T)
            biases.append(b[None])
    states = _states(torch.stack(gates, 1), torch.stack(weights), torch.stack(biases))
    pairs = zip(states[0::2], states[1::2], strict=True)
    return [torch.cat([ahead, back.flip(0)], -1).transpose(0, 1) for ahead, back in pairs]


def _states(gates: Tensor, weights: Tensor, biases: Tensor) -> Tensor:
    """Compute the states (D, L, B, H) of D directions, from zeros on.

    gates: (L, D, B, 3 H), what the inputs give to the reset, the update and the new gate. weights:
    (D, H, 3 H) and biases: (D, 1, 3 H), with which the states do.
    """
    _, directions, batch, size = gates.shape
    sizes = [2 * size // 3, size // 3]
    state = gates.new_zeros(directions, batch, sizes[1])
    states = []
    for two_in, new_in in zip(*(part.unbind(0) for part in gates.split(sizes, -1)), strict=True):
        two, new = torch.baddbmm(biases, state, weights).split(sizes, -1)
        reset, update = (two_in + two).sigmoid().chunk(2, -1)
        candidate = torch.addcmul(new_in, reset, new).tanh()
        state = torch.lerp(candidate, state, update)
        states.append(state)
    return torch.stack(states, 1)
