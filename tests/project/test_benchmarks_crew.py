"""The processes of the benchmarks; apart from their other tests, because each imports this file."""

from __future__ import annotations

import time
from functools import partial

import threadpoolctl

from crew import Tasks, crew


def _prepare(number: int) -> Tasks:
    """In each process of a crew."""
    threads = {one["num_threads"] for one in threadpoolctl.threadpool_info()}
    assert threads == {1}
    return {"sleep": partial(time.sleep, 0.5), "work": lambda: sum(range(3_000_000))}


def test_a_crew_has_one_thread_each_and_measures_work_apart_from_waiting() -> None:
    with crew(1, _prepare) as members:
        assert members.do("sleep") >= 0.5
        assert members.clocks("sleep")["cpu"] < 0.2 < 0.5 <= members.clocks("sleep")["wall"]
        worked = members.clocks("work")
    assert 0.01 < worked["cpu"] <= worked["wall"] + 0.05
