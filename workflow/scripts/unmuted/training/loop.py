"""The training loops, both with AdamW: over epochs, and over steps with a checkpoint kept."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import torch

from unmuted.training.adamw import AdamW

GRADIENT_NORM = 1.0
SCORE = "validation_r2"  # of a checkpoint, in a history

Losses = dict[str, torch.Tensor]
History = list[dict[str, float]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train."""

    length: int  # epochs of `optimise`, steps of `optimise_by_steps`
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


class EpochSettings(AdamWSettings, Protocol):
    """The same, for a number of epochs."""

    @property
    def epochs(self) -> int:
        """Number of passes over the training clips."""
        ...


class StepSettings(AdamWSettings, Protocol):
    """The same, for a number of optimiser steps."""

    @property
    def steps(self) -> int:
        """Number of optimiser steps."""
        ...


def adamw_schedule(settings: EpochSettings) -> Schedule:
    """Return the schedule of these settings, over epochs."""
    return _schedule(settings.epochs, settings, {})


def step_schedule(settings: StepSettings, rates: Mapping[str, float] | None = None) -> Schedule:
    """Return the schedule of these settings, over steps; `rates` as in `Schedule`."""
    return _schedule(settings.steps, settings, rates or {})


def _schedule(length: int, settings: AdamWSettings, rates: Mapping[str, float]) -> Schedule:
    sizes = length, settings.batch_size
    return Schedule(*sizes, settings.learning_rate, settings.weight_decay, rates)


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

    Nothing stops early and no checkpoint is chosen, so such a fit reads training clips only.

    losses_of: takes the indices of a batch (int64, on CPU) and returns named scalars; "loss"
    is minimised. count: number of training clips. after_epoch: called with the epoch (from
    1) and its row of the history.
    """
    optimiser = _optimiser(model, schedule)
    history: History = []
    for epoch in range(1, schedule.length + 1):
        row = {"epoch": float(epoch), "learning_rate": optimiser.rate}
        model.train()
        for batch in torch.randperm(count).split(schedule.batch_size):
            losses = _step(model, losses_of(batch), optimiser, schedule)
            for name, value in losses.items():
                row[name] = row.get(name, 0.0) + value * len(batch) / count
        optimiser.decay()
        history.append(row)
        if after_epoch is not None:
            after_epoch(epoch, row)
    return history


def optimise_by_steps(
    model: torch.nn.Module,
    losses_of: Callable[[torch.Tensor], Losses],
    count: int,
    schedule: Schedule,
    checkpoint_every: int,
    score: Callable[[], float] | None = None,
    after_step: Callable[[], None] | None = None,
) -> tuple[History, int]:
    """Train `model` in place; it ends as the checkpoint of highest score, the first among equals.

    Args:
        model: the network.
        losses_of: as in `optimise`.
        count: number of training clips; batches are drawn in passes over all of them.
        schedule: its length is in steps.
        checkpoint_every: steps between checkpoints; the last step is always one.
        score: scores the model, in evaluation mode, at each checkpoint; None: keep the last one.
        after_step: called after every step.

    Returns:
        The history, one row per checkpoint with the mean losses since the one before (SCORE is NaN
        without a score), and the step of the checkpoint that was kept.
    """
    optimiser = _optimiser(model, schedule)
    batches = _passes(count, schedule.batch_size)
    history: History = []
    best, kept, weights = -math.inf, schedule.length, None
    read = 0
    sums: defaultdict[str, float] = defaultdict(float)
    for step in range(1, schedule.length + 1):
        rate = optimiser.rate
        model.train()
        batch = next(batches)
        for name, value in _step(model, losses_of(batch), optimiser, schedule).items():
            sums[name] += value * len(batch)
        read += len(batch)
        optimiser.decay()
        if step % checkpoint_every == 0 or step == schedule.length:
            scored = math.nan
            if score is not None:
                model.eval()
                scored = score()
            if scored > best:
                best, kept = scored, step
                weights = {name: value.clone() for name, value in model.state_dict().items()}
            means = {name: total / read for name, total in sums.items()}
            history.append({"step": step, "learning_rate": rate, **means, SCORE: scored})
            read = 0
            sums.clear()
        if after_step is not None:
            after_step()
    if weights is not None:
        model.load_state_dict(weights)
    return history, kept


def _passes(count: int, batch_size: int) -> Iterator[torch.Tensor]:
    """Yield batches of indices without end; each pass over the clips has an order of its own."""
    while True:
        yield from torch.randperm(count).split(batch_size)


def _step(
    model: torch.nn.Module, losses: Losses, optimiser: AdamW, schedule: Schedule
) -> dict[str, float]:
    """Take a step down the gradient of "loss"; returns the losses as numbers."""
    model.zero_grad(set_to_none=True)
    losses["loss"].backward()
    if schedule.gradient_norm is not None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), schedule.gradient_norm)
    optimiser.step()
    return {name: value.item() for name, value in losses.items()}


def _optimiser(model: torch.nn.Module, schedule: Schedule) -> AdamW:
    length = None if schedule.is_constant else schedule.length
    groups = _groups(model, schedule)
    return AdamW(groups, schedule.weight_decay, schedule.epsilon, length)


def _groups(model: torch.nn.Module, schedule: Schedule) -> dict[float, list[torch.nn.Parameter]]:
    """Return the model's parameters by learning rate, those of the schedule's own rate first."""
    of_rate: dict[float, list[torch.nn.Parameter]] = {schedule.learning_rate: []}
    for name, parameter in model.named_parameters():
        rates = [rate for start, rate in schedule.rates.items() if name.startswith(start)]
        of_rate.setdefault((rates or [schedule.learning_rate])[0], []).append(parameter)
    return of_rate
