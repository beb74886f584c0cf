"""The spectrogram of long sound, piece by piece: the same values in pieces of any size.

The power in mel bands as decibels of full scale, so that levels of different recordings compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from transformers.audio_utils import mel_filter_bank

FLOOR_DB = -100.0  # of a band; keeps silence finite
RMS_FLOOR_DB = -140.0
_POWER_FLOOR = 10 ** (FLOOR_DB / 10)
_FULL_SCALE = 32768
_AT_ONCE = 64  # steps; always so many, since the last bits of a product depend on its size
_LEAST_SOUND = 0.5  # of a step's hops


@dataclass(frozen=True)
class StepSound:
    """The sound of n steps.

    mel: float32 (n, P, M), P windows a step, decibels from `FLOOR_DB` up. rms: float32 (n,), level
    in decibels of full scale, from -140 up. valid: bool (n,), False where at least half of a step
    is digital silence, as where there is no sound.
    """

    mel: np.ndarray
    rms: np.ndarray
    valid: np.ndarray


class LogMel:
    """The spectrograms of steps of 16-bit sound.

    Args:
        rate: samples a second.
        window: samples of a window, also the length of its Fourier transform.
        hop: samples from one window to the next.
        mels: bands, from 0 Hz to half the rate (HTK's scale).
        hops: windows a step, P. Window p of step i begins at sample `(i * P + p) * hop`.
    """

    def __init__(self, rate: int, window: int, hop: int, mels: int, hops: int) -> None:
        self._window, self._hop, self._hops, self._mels = window, hop, hops, mels
        self._step = hop * hops
        filters = mel_filter_bank(
            1 + window // 2, mels, 0.0, rate / 2, rate, norm=None, mel_scale="htk"
        )
        self._filters = torch.from_numpy(filters)  # float64 (F, M)
        self._taper = torch.hann_window(window, periodic=True, dtype=torch.float64)

    def steps(self, pieces: Iterable[np.ndarray], count: int) -> Iterator[StepSound]:
        """Yield the sound of `count` steps in order, some at a time.

        pieces: int16 (n,) samples of any lengths; what is missing at the end is silence, what is
        too long is left out.
        """
        size = _AT_ONCE * self._step
        need = size + max(0, self._window - self._hop)
        held = np.empty(0, np.int16)
        source = iter(pieces)
        for first in range(0, count, _AT_ONCE):
            parts, length = [held], len(held)
            while length < need and (piece := next(source, None)) is not None:
                parts.append(piece)
                length += len(piece)
            held = np.concatenate(parts)
            block = held[:need]
            block = np.concatenate([block, np.zeros(need - len(block), np.int16)])
            held = held[size:]
            yield self._of_block(block, min(_AT_ONCE, count - first))

    def _of_block(self, block: np.ndarray, count: int) -> StepSound:
        """Return the first `count` of `_AT_ONCE` steps."""
        samples = torch.from_numpy(block.astype(np.float64) / _FULL_SCALE)
        frames = samples.unfold(0, self._window, self._hop)[: _AT_ONCE * self._hops]
        power = torch.fft.rfft(frames * self._taper).abs().square()  # (frames, F)
        mel = 10 * torch.log10((power @ self._filters).clamp(min=_POWER_FLOOR))
        steps = block[: _AT_ONCE * self._step].reshape(_AT_ONCE, self._step)
        mean_power = (steps.astype(np.int64) ** 2).sum(axis=1) / (self._step * _FULL_SCALE**2)
        rms = 10 * np.log10(np.maximum(mean_power, 10 ** (RMS_FLOOR_DB / 10)))
        sounding = steps.reshape(_AT_ONCE, self._hops, self._hop).any(axis=2)
        return StepSound(
            mel.reshape(_AT_ONCE, self._hops, self._mels)[:count].numpy().astype(np.float32),
            rms[:count].astype(np.float32),
            sounding.mean(axis=1)[:count] >= _LEAST_SOUND,
        )
