"""AdamW, with a learning rate that a cosine takes to 0.

It is what `torch.optim.AdamW` and `CosineAnnealingLR` compute, to the bit. These import torch's
compiler when they are first used, which takes as long as importing all the rest of torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

BETAS = 0.9, 0.999


@dataclass
class _Moments:
    """What is kept of a parameter's gradients. steps: how many there were, float32 ()."""

    mean: Tensor
    square: Tensor
    steps: Tensor

    @classmethod
    def of(cls, parameter: nn.Parameter) -> _Moments:
        steps = torch.zeros((), dtype=torch.float32, device=parameter.device)
        return cls(torch.zeros_like(parameter), torch.zeros_like(parameter), steps)


@dataclass
class AdamW:
    """An optimiser.

    Attributes:
        groups: parameters by their learning rate at the start.
        weight_decay: of all of them.
        epsilon: of Adam.
        length: calls of `decay` that take the learning rates to 0; None: they are constant.
    """

    groups: Mapping[float, Sequence[nn.Parameter]]
    weight_decay: float
    epsilon: float
    length: int | None
    _moments: dict[nn.Parameter, _Moments] = field(default_factory=dict)
    _decays: int = 0

    def __post_init__(self) -> None:
        self._rates = list(self.groups)

    @property
    def rate(self) -> float:
        """Return the learning rate of the first group."""
        return float(self._rates[0])

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for rate, parameters in zip(self._rates, self.groups.values(), strict=True):
            moved = [parameter for parameter in parameters if parameter.grad is not None]
            moments = [self._moments_of(parameter) for parameter in moved]
            adamw(
                list(moved),
                [parameter.grad for parameter in moved if parameter.grad is not None],
                [one.mean for one in moments],
                [one.square for one in moments],
                [],
                [one.steps for one in moments],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=rate,
                weight_decay=self.weight_decay,
                eps=self.epsilon,
                maximize=False,
            )

    def _moments_of(self, parameter: nn.Parameter) -> _Moments:
        if parameter not in self._moments:
            self._moments[parameter] = _Moments.of(parameter)
        return self._moments[parameter]

    def decay(self) -> None:
        """Lower the learning rates, unless they are constant."""
        if self.length is None:
            return
        before, after = (
            1 + math.cos(math.pi * count / self.length)
            for count in (self._decays, self._decays + 1)
        )
        self._rates = [after / before * rate for rate in self._rates]
        self._decays += 1
