"""Batches of one shape, filled across the borders of clips."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmuted.inference.batches import fixed_batches, run_across

CLIPS = st.lists(st.integers(0, 9), max_size=12)  # rows of each
SIZES = st.integers(1, 8)


@given(rows=st.integers(0, 25), size=st.integers(1, 8))
def test_batches_have_one_shape_and_hold_every_row_once(rows: int, size: int) -> None:
    data = np.arange(rows * 6).reshape(rows, 2, 3)
    batches = list(fixed_batches(iter(data), size))
    assert all(batch.shape == (size, 2, 3) for batch, _ in batches)
    assert len(batches) == -(-rows // size)
    real = [row for batch, valid in batches for row in batch[:valid]]
    np.testing.assert_array_equal(np.array(real).reshape(data.shape), data)
    for batch, valid in batches:
        np.testing.assert_array_equal(
            batch[valid:], np.repeat(batch[valid - 1 : valid], size, 0)[valid:]
        )


@given(counts=CLIPS, size=SIZES)
def test_every_clip_gets_the_results_of_its_own_rows(counts: list[int], size: int) -> None:
    clips = [(i, [np.array([i, row]) for row in range(n)]) for i, n in enumerate(counts)]
    done = list(run_across(clips, lambda batch: [tuple(row) for row in batch], size))
    assert done == [(i, [(i, row) for row in range(n)]) for i, n in enumerate(counts)]


@given(counts=CLIPS, size=SIZES)
def test_all_batches_but_the_last_are_full_of_real_rows(counts: list[int], size: int) -> None:
    seen = []

    def run(batch: np.ndarray) -> np.ndarray:
        seen.append(len(np.unique(batch)))
        return batch

    rows = iter(range(sum(counts)))
    clips = [(i, [np.array(next(rows)) for _ in range(n)]) for i, n in enumerate(counts)]
    assert len(list(run_across(clips, run, size))) == len(counts)
    assert seen[:-1] == [size] * len(seen[:-1])
    assert sum(seen) == sum(counts)


@given(counts=CLIPS, size=SIZES)
def test_no_more_than_two_batches_and_a_clip_are_held(counts: list[int], size: int) -> None:
    taken, given_back = 0, 0

    def clips() -> Iterator[tuple[int, np.ndarray]]:
        nonlocal taken
        for count in counts:
            assert taken - given_back < 2 * size + max(counts)
            taken += count
            yield count, np.zeros((count, 2))

    for count, results in run_across(clips(), lambda batch: batch, size):
        assert len(results) == count
        given_back += count


def test_the_next_batch_is_launched_before_the_last_is_waited_for() -> None:
    """A GPU that is asked for results only then has something to do meanwhile."""
    events = []

    def run(batch: np.ndarray) -> np.ndarray:
        events.append("launch")
        return batch

    def collect(rows: np.ndarray) -> list[float]:
        events.append("wait")
        return rows.tolist()

    clips = [("a", np.arange(4.0)), ("b", np.arange(3.0))]
    done = list(run_across(clips, run, 2, collect))
    assert events == ["launch", "launch", "wait", "launch", "wait", "launch", "wait", "wait"]
    assert done == [("a", [0, 1, 2, 3]), ("b", [0, 1, 2])]


def test_a_failure_is_not_swallowed() -> None:
    def run(batch: np.ndarray) -> np.ndarray:
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        list(run_across([("a", np.zeros((3, 2)))], run, 2))
