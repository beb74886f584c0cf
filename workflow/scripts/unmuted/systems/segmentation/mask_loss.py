"""The losses of masks: cross-entropy of pixels, and Dice of frames."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

SMOOTHING = 1.0  # pixels added to both sides of Dice: an empty truth has a loss, too


def mask_loss(logits: Tensor, truth: Tensor, counted: Tensor) -> dict[str, Tensor]:
    """Compute both losses of logits (B, T, H, W), averages over the counted pixels or frames.

    truth: float, 0 or 1. counted: bool, false for padding and for seconds without a known truth.
    All have one shape. Frames without a counted pixel have no part in Dice.
    """
    weight = counted.float()
    pixels = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    probability, inside = logits.sigmoid() * weight, truth * weight
    hits = (probability * inside).sum(dim=(2, 3))
    total = probability.sum(dim=(2, 3)) + inside.sum(dim=(2, 3))
    dice = 1 - (2 * hits + SMOOTHING) / (total + SMOOTHING)  # (B, T)
    frames = counted.flatten(2).any(dim=2).float()
    return {
        "cross_entropy": (pixels * weight).sum() / weight.sum().clamp(min=1),
        "dice": (dice * frames).sum() / frames.sum().clamp(min=1),
    }
