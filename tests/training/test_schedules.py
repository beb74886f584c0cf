"""The two schedules of the training loop against optimisers written out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from unmuted.training.loop import Schedule, optimise, seeded

torch.set_num_threads(1)

SLOPES = (10.0, 1e-7, -30.0, 3e-8, 1.0, -2e-7)  # of the loss, step by step


def weight_after(schedule: Schedule) -> float:
    """A weight that starts at 0, after steps down those slopes."""
    model = torch.nn.Linear(1, 1, bias=False).double()
    torch.nn.init.zeros_(model.weight)
    slopes = iter(SLOPES)
    optimise(model, lambda _: {"loss": model.weight.sum() * next(slopes)}, 3, schedule)
    return model.weight.item()


def adam(epsilon: float) -> float:
    """Adam as its authors give it (Kingma and Ba 2015, algorithm 1)."""
    weight = first = second = 0.0
    for t, slope in enumerate(SLOPES, start=1):
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        step = first / (1 - 0.9**t)
        weight -= 0.01 * step / (np.sqrt(second / (1 - 0.999**t)) + epsilon)
    return weight


@pytest.mark.parametrize("epsilon", [1e-7, 1e-8, 1.0])
def test_a_constant_schedule_is_plain_adam(epsilon: float) -> None:
    schedule = Schedule(
        length=2,
        batch_size=1,
        learning_rate=0.01,
        weight_decay=0.0,
        is_constant=True,
        gradient_norm=None,
        epsilon=epsilon,
    )
    assert weight_after(schedule) == pytest.approx(adam(epsilon), rel=1e-9)


def fit(train: Callable[[torch.nn.Module, Callable], None]) -> bytes:
    """Bytes of a small network that `train` has trained."""
    with seeded(3, "cpu"):
        model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
        x = torch.randn(30, 4)

        def losses_of(batch: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": 50 * (model(x[batch]) - x[batch].sum(dim=1, keepdim=True)).abs().mean()}

        train(model, losses_of)
    return b"".join(parameter.detach().numpy().tobytes() for parameter in model.parameters())


def test_the_usual_schedule_is_adamw_with_a_cosine_and_cut_gradients() -> None:
    """To the last bit: what earlier versions fitted, this one fits."""

    def written_out(model: torch.nn.Module, losses_of: Callable) -> None:
        optimiser = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.1, fused=True)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=3)
        for _ in range(3):
            for batch in torch.randperm(30).split(8):
                optimiser.zero_grad()
                losses_of(batch)["loss"].backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimiser.step()
            decay.step()

    schedule = Schedule(length=3, batch_size=8, learning_rate=0.02, weight_decay=0.1)
    assert fit(lambda model, losses_of: optimise(model, losses_of, 30, schedule)) == fit(
        written_out
    )
