"""Log mel energies of sound, as transformers' ASTFeatureExtractor computes them with numpy.

The result is the same to the bit, in a third of the time: each step processes all frames at once.
"""

from __future__ import annotations

import numpy as np
from transformers.audio_utils import mel_filter_bank, window_function

from unmuted.features.blas import one_blas_thread
from unmuted.features.time_pooling import FRAME_SAMPLES, HOP_SAMPLES, SAMPLE_RATE

FFT_SAMPLES = 512
LOWEST_HZ = 20
PREEMPHASIS = 0.97
FLOOR = 1.192092955078125e-07  # of an energy; the extractor's own


class FilterBank:
    """A bank of `bins` mel filters in Kaldi's manner, for sound of 16 kHz."""

    def __init__(self, bins: int) -> None:
        self.window = window_function(FRAME_SAMPLES, "hann", periodic=False)
        self.filters = mel_filter_bank(
            num_frequency_bins=FFT_SAMPLES // 2 + 1,
            num_mel_filters=bins,
            min_frequency=LOWEST_HZ,
            max_frequency=SAMPLE_RATE // 2,
            sampling_rate=SAMPLE_RATE,
            norm=None,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )  # (frequencies, bins)

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Of a waveform (n,), n >= FRAME_SAMPLES: float32 (frames, bins)."""
        every = np.lib.stride_tricks.sliding_window_view(waveform, FRAME_SAMPLES)
        frames = every[::HOP_SAMPLES].astype(np.float64)  # (frames, FRAME_SAMPLES)
        frames -= frames.mean(axis=1, keepdims=True)
        frames[:, 1:] -= PREEMPHASIS * frames[:, :-1]
        frames[:, 0] *= 1 - PREEMPHASIS
        frames *= self.window
        spectra = np.fft.rfft(frames, FFT_SAMPLES).astype(np.complex64)
        power = np.abs(spectra, dtype=np.float64) ** 2.0
        with one_blas_thread():
            energies = np.dot(self.filters.T, power.T)  # (bins, frames)
        return np.log(np.maximum(FLOOR, energies)).astype(np.float32).T
