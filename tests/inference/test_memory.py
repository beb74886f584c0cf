"""Batches that shrink until they fit."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unmuted.inference.batches import run_across
from unmuted.inference.memory import AdaptiveBatch


class Device:
    """Doubles rows, and has memory for so many at once."""

    def __init__(self, room: int) -> None:
        self.room, self.sizes = room, []

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise torch.OutOfMemoryError("no room")
        return 2 * batch


@given(room=st.integers(1, 40), size=st.integers(1, 33), count=st.integers(0, 60))
def test_every_row_gets_its_result_however_little_fits(room: int, size: int, count: int) -> None:
    device = Device(room)
    rows = np.arange(float(count))
    ((_, results),) = run_across([("clip", rows)], AdaptiveBatch(device, size), size)
    np.testing.assert_array_equal(results, 2 * rows)
    assert all(fits <= room for fits in device.sizes[-1:])


def test_it_stays_small_once_it_has_shrunk(caplog: pytest.LogCaptureFixture) -> None:
    device = Device(room=5)
    run = AdaptiveBatch(device, 16)
    with caplog.at_level(logging.WARNING, logger="unmuted"):
        run(np.zeros(16))
        run(np.zeros(16))
    assert device.sizes == [16, 8, *[4] * 4, *[4] * 4]
    assert [record.args for record in caplog.records] == [(8,), (4,)]


def test_a_row_that_does_not_fit_at_all_is_an_error() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        AdaptiveBatch(Device(room=0), 4)(np.zeros(4))


def test_other_errors_are_not_taken_for_a_want_of_memory() -> None:
    def fail(batch: np.ndarray) -> np.ndarray:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        AdaptiveBatch(fail, 4)(np.zeros(4))


@pytest.mark.parametrize("text", ["CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED when"])
def test_libraries_that_want_memory_in_words_of_their_own_are_understood(text: str) -> None:
    def run(batch: np.ndarray) -> np.ndarray:
        if len(batch) > 2:
            raise RuntimeError(text)
        return batch

    assert AdaptiveBatch(run, 8)(np.arange(5)) == [0, 1, 2, 3, 4]
