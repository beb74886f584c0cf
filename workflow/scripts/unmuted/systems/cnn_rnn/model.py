"""The recurrent head of the CNN-RNN recogniser: masked GRUs over a CNN's frame features.

The network of the Keras example "Video Classification with a CNN-RNN Architecture", in its own
terms: Keras' GRU with `reset_after=True` has the formulas of torch's GRU, in another order of the
gates; its masks and its initialisation are written out here. Features go in as the CNN gives them:
the example does not standardise them either.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class CnnRnnConfig:
    """Sizes of the network; all of it is saved with the weights."""

    features: int  # F, of a frame
    classes: int  # C
    gru_units: tuple[int, ...]  # of one GRU after the other
    dense_units: int
    dropout: float


class MaskedGRU(nn.Module):
    """A GRU that skips masked steps: there it keeps its state and repeats its last output.

    Each step is a separate product, so that neither the bits of an output nor its gradient depend
    on the contents or the number of masked steps.
    """

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.cell = nn.GRUCell(features, units)
        # As Keras draws them: over the kernels of all three gates at once.
        kernel = nn.init.xavier_uniform_(torch.empty(features, 3 * units))
        recurrent_kernel = nn.init.orthogonal_(torch.empty(units, 3 * units))
        bias = torch.zeros(2, 3 * units)
        self.cell.load_state_dict(from_keras_gru(kernel, recurrent_kernel, bias))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:  # (B, L, F), (B, L)
        """Compute the outputs of all steps (B, L, U), and the last one (B, U)."""
        mask = mask.unsqueeze(-1)  # (B, L, 1)
        x = x.masked_fill(~mask, 0.0)  # not even NaN gets through: 0 x NaN is in no gradient
        h = x.new_zeros(len(x), self.cell.hidden_size)  # (B, U)
        outputs = []
        for t in range(x.shape[1]):
            h = torch.where(mask[:, t], self.cell(x[:, t], h), h)
            outputs.append(h)
        return torch.stack(outputs, dim=1), h  # (B, L, U), (B, U)


class CnnRnn(nn.Module):
    """GRUs one after the other; the last one's final state, dropout, ReLU layer, logits.

    A clip without any frame gets what the biases say.
    """

    def __init__(self, config: CnnRnnConfig) -> None:
        super().__init__()
        self.config = config
        widths = (config.features, *config.gru_units)
        self.grus = nn.ModuleList(MaskedGRU(a, b) for a, b in pairwise(widths))
        self.dropout = nn.Dropout(config.dropout)
        self.dense = _dense(config.gru_units[-1], config.dense_units)
        self.head = _dense(config.dense_units, config.classes)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # (B, L, F), bool (B, L)
        """Compute the logits (B, C) of clips."""
        for gru in self.grus:
            x, h = gru(x, mask)  # (B, L, U), (B, U)
        return self.head(F.relu(self.dense(self.dropout(h))))  # (B, C)


def _dense(features: int, units: int) -> nn.Linear:
    """Make a linear layer as Keras initialises it: Glorot uniform, biases of zero."""
    layer = nn.Linear(features, units)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def from_keras_gru(kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor) -> dict[str, Tensor]:
    """Convert the arrays of a Keras GRU with `reset_after=True` to a `torch.nn.GRUCell` state.

    kernel: (F, 3 U). recurrent_kernel: (U, 3 U). bias: (2, 3 U), that of the input and that of the
    state. Keras lays the gates side by side as update z, reset r, candidate h and multiplies from
    the right; torch stacks r, z, n and multiplies from the left. In both

        z = sigmoid(x Wz + bz + h Uz + cz)
        r = sigmoid(x Wr + br + h Ur + cr)
        n = tanh(x Wn + bn + r * (h Un + cn))
        h' = z * h + (1 - z) * n
    """

    def reordered(columns: Tensor) -> Tensor:  # (..., 3 U)
        z, r, n = columns.chunk(3, dim=-1)
        return torch.cat([r, z, n], dim=-1)

    return {
        "weight_ih": reordered(kernel).T.contiguous(),
        "weight_hh": reordered(recurrent_kernel).T.contiguous(),
        "bias_ih": reordered(bias[0]),
        "bias_hh": reordered(bias[1]),
    }
