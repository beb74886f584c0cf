"""The filter bank against transformers' extractor; numpy's products on one thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info
from transformers import ASTFeatureExtractor

from unmuted.features.blas import one_blas_thread
from unmuted.features.filter_bank import FilterBank
from unmuted.features.time_pooling import FRAME_SAMPLES, SAMPLE_RATE


@pytest.mark.parametrize("count", [FRAME_SAMPLES, 559, 560, 3200, 48_000, 163_840])
@pytest.mark.parametrize("loudness", [0.0, 1e-4, 0.3])
@pytest.mark.parametrize("bins", [64, 128])
def test_energies_equal_the_extractor_to_the_bit(count: int, loudness: float, bins: int) -> None:
    if not hasattr(extractor := ASTFeatureExtractor(num_mel_bins=bins), "mel_filters"):
        pytest.skip("transformers uses torchaudio, which differs in the last bits")
    noise = np.random.default_rng(count).normal(size=count).clip(-3, 3) * loudness
    waveform = (noise * 32767).astype(np.int16) / np.float32(32768)
    expected = extractor(waveform, sampling_rate=SAMPLE_RATE, return_tensors="np").input_values[0]
    energies = FilterBank(bins)(waveform)[: len(expected)]
    padded = np.zeros_like(expected)
    padded[: len(energies)] = energies
    assert energies.dtype == np.float32
    np.testing.assert_array_equal(extractor.normalize(padded), expected)


def blas_threads() -> set[int]:
    libraries = threadpool_info()
    return {one["num_threads"] for one in libraries if one["internal_api"] == "openblas"}


def test_numpy_has_one_blas_thread_within_the_block_and_its_own_number_after() -> None:
    before = blas_threads()
    seen: list[set[int]] = []

    def work(_: int) -> None:
        with one_blas_thread():
            seen.append(blas_threads())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert all(threads <= {1} for threads in seen)
    assert blas_threads() == before
