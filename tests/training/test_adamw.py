"""The project's AdamW moves parameters as torch's does, to the bit, and imports no compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from unmuted.training.adamw import AdamW

pytestmark = pytest.mark.unit

STEPS, RATES = 9, (0.05, 0.002)


def network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2), nn.Linear(2, 2))


def loss(model: nn.Sequential, step: int) -> torch.Tensor:
    """The last layer has a gradient in some steps only."""
    x = model[:3](torch.linspace(-1, 1, 12).view(3, 4) * (step + 1))
    return (model[3](x) if step > 4 else x).square().sum()


def groups_of(model: nn.Sequential) -> list[list[nn.Parameter]]:
    return [list(model[:2].parameters()), list(model[2:].parameters())]


@pytest.mark.parametrize("is_constant", [False, True])
def test_moves_as_torch_does(is_constant: bool) -> None:
    expected, found = network(), network()
    named = [{"params": p, "lr": r} for r, p in zip(RATES, groups_of(expected), strict=True)]
    theirs = torch.optim.AdamW(named, eps=1e-7, weight_decay=0.1, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, T_max=STEPS)
    length = None if is_constant else STEPS
    ours = AdamW(dict(zip(RATES, groups_of(found), strict=True)), 0.1, 1e-7, length)
    for step in range(STEPS):
        assert ours.rate == (RATES[0] if is_constant else schedule.get_last_lr()[0])
        for model, optimiser in ((expected, theirs), (found, ours)):
            model.zero_grad(set_to_none=True)
            loss(model, step).backward()
            optimiser.step()
        if not is_constant:
            schedule.step()
        ours.decay()
    for one, other in zip(expected.parameters(), found.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_training_imports_no_compiler() -> None:
    code = """
import sys, torch
from unmuted.training.loop import Schedule, optimise
model = torch.nn.Linear(2, 1)
def losses(batch):
    return {"loss": model(torch.ones(len(batch), 2)).square().sum()}
optimise(model, losses, 4, Schedule(2, 2, 0.1, 0.0))
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
