"""The one training loop: AdamW, a fixed number of epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

GRADIENT_NORM = 1.0

Losses = dict[str, torch.Tensor]
History = list[dict[str, float]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; no early stopping, so a fit reads training clips only."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    rates: Mapping[str, float] = field(default_factory=dict)  # of parts, by their names' beginning
    is_constant: bool = False  # otherwise a cosine takes the learning rate to 0
    gradient_norm: float | None = GRADIENT_NORM  # longer gradients are cut to it; None: never
    epsilon: float = 1e-8  # of Adam


class AdamWSettings(Protocol):
    """The settings of a section of the configuration for a training with AdamW."""

    @property
    def epochs(self) -> int:
        """Number of passes over the training clips."""
        ...

    @property
    def batch_size(self) -> int:
        """Clips of a batch."""
        ...

    @property
    def learning_rate(self) -> float:
        """Learning rate at the start."""
        ...

    @property
    def weight_decay(self) -> float:
        """Weight decay of AdamW."""
        ...


def adamw_schedule(settings: AdamWSettings, rates: Mapping[str, float] | None = None) -> Schedule:
    """Return the schedule of these settings; `rates` as in `Schedule`."""
    steps = settings.epochs, settings.batch_size
    return Schedule(*steps, settings.learning_rate, settings.weight_decay, rates or {})


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Seed the random numbers of torch inside the block; restore those of the caller after it."""
    devices = [] if torch.device(device).type == "cpu" else [torch.device(device)]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def optimise(
    model: torch.nn.Module,
    losses_of: Callable[[torch.Tensor], Losses],
    count: int,
    schedule: Schedule,
    after_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> History:
    """Train `model` in place and return each epoch's mean losses and learning rate.

    losses_of: takes the indices of a batch (int64, on CPU) and returns named scalars; "loss"
    is minimised. count: number of training clips. after_epoch: called with the epoch (from
    1) and its row of the history.
    """
    optimiser = torch.optim.AdamW(
        _groups(model, schedule),
        lr=schedule.learning_rate,
        eps=schedule.epsilon,
        weight_decay=schedule.weight_decay,
        fused=True,
    )
    decay = _decay(optimiser, schedule)
    history: History = []
    for epoch in range(1, schedule.epochs + 1):
        row = {"epoch": float(epoch), "learning_rate": float(decay.get_last_lr()[0])}
        model.train()
        for batch in torch.randperm(count).split(schedule.batch_size):
            losses = losses_of(batch)
            optimiser.zero_grad(set_to_none=True)
            losses["loss"].backward()
            if schedule.gradient_norm is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.gradient_norm)
            optimiser.step()
            for name, value in losses.items():
                row[name] = row.get(name, 0.0) + value.item() * len(batch) / count
        decay.step()
        history.append(row)
        if after_epoch is not None:
            after_epoch(epoch, row)
    return history


def _decay(
    optimiser: torch.optim.Optimizer, schedule: Schedule
) -> torch.optim.lr_scheduler.LRScheduler:
    if schedule.is_constant:
        return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=schedule.epochs)


def _groups(model: torch.nn.Module, schedule: Schedule) -> list[dict[str, Any]]:
    """Return the model's parameters by learning rate, those of the schedule's own rate first."""
    of_rate: dict[float, list[torch.nn.Parameter]] = {schedule.learning_rate: []}
    for name, parameter in model.named_parameters():
        rates = [rate for start, rate in schedule.rates.items() if name.startswith(start)]
        of_rate.setdefault((rates or [schedule.learning_rate])[0], []).append(parameter)
    return [{"params": parameters, "lr": rate} for rate, parameters in of_rate.items()]
