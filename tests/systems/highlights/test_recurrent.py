"""GRUs that run side by side give the states, and the gradients, that each gives on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from unmuted.systems.highlights.recurrent import bidirectional_states

pytestmark = pytest.mark.unit

WIDTH, HIDDEN = 5, 7


def alone(grus: Sequence[nn.GRU], inputs: Sequence[Tensor]) -> list[Tensor]:
    return [gru(x)[0] for gru, x in zip(grus, inputs, strict=True)]


def states_and_gradients(
    compute: Callable[[Sequence[nn.GRU], Sequence[Tensor]], list[Tensor]], count: int, length: int
) -> list[Tensor]:
    """The states of `count` GRUs, and the gradients of a sum of their squares."""
    torch.manual_seed(count)
    grus = [
        nn.GRU(WIDTH, HIDDEN, batch_first=True, bidirectional=True).double() for _ in range(count)
    ]
    inputs = [torch.randn(3, length, WIDTH).double().requires_grad_() for _ in grus]
    states = compute(grus, inputs)
    sum(x.square().sum() for x in states).backward()
    weights = [parameter for gru in grus for parameter in gru.parameters()]
    return [*states, *(x.grad for x in (*inputs, *weights))]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("length", [1, 40])
def test_gives_what_each_gives_on_its_own(count: int, length: int) -> None:
    own = states_and_gradients(alone, count, length)
    together = states_and_gradients(bidirectional_states, count, length)
    assert own[0].shape == (3, length, 2 * HIDDEN)
    for expected, found in zip(own, together, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
