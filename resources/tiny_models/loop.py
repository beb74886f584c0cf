"""One training loop for all three models: AdamW, warm-up, cosine decay, clipped gradients."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import torch

WARM_UP = 0.05  # share of the steps


def fit(
    name: str,
    parameters: list[torch.nn.Parameter],
    loss_of: Callable[[np.ndarray], torch.Tensor],
    count: int,
    epochs: int,
    batch: int,
    rate: float,
    seed: int,
) -> None:
    """Minimise `loss_of(indices of a batch)` over `count` examples for some epochs."""
    decayed = [p for p in parameters if p.ndim > 1]
    plain = [p for p in parameters if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    steps = epochs * (count // batch)
    warm_up = max(1, int(WARM_UP * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps)),
    )
    rng = np.random.default_rng(seed)
    started = time.monotonic()
    for epoch in range(epochs):
        losses = []
        for indices in rng.permutation(count)[: count // batch * batch].reshape(-1, batch):
            loss = loss_of(indices)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds = time.monotonic() - started
        print(
            f"{name}: epoch {epoch + 1}/{epochs}, loss {np.mean(losses):.4f}, {seconds:.0f} s",
            flush=True,
        )
