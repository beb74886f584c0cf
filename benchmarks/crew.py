"""Processes that do the same thing side by side, as the workflow's jobs do: one thread each."""

from __future__ import annotations

import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection

import torch

from measure import seconds

Tasks = Mapping[str, Callable[[], object]]

# As Snakemake sets them for a job of one thread. Without them numpy's BLAS takes all cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Crew:
    """As many processes as there are cores; each prepares itself once, then does what it is told.

    prepare: a function of a module, called in each process with its number and the arguments; it
    gives the tasks by name.
    """

    def __init__(self, size: int, prepare: Callable[..., Tasks], *arguments: object) -> None:
        context = multiprocessing.get_context("spawn")
        self.members = []
        for number in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_member, args=(theirs, prepare, number, *arguments), daemon=True
            )
            with _environment(ONE_THREAD):
                process.start()
            theirs.close()  # so that its end is noticed
            self.members.append((process, ours))
        self._wait()

    def do(self, task: str) -> float:
        """Seconds until all have done the task."""
        return self.clocks(task)["wall"]

    def clocks(self, task: str) -> dict[str, float]:
        """Seconds until all have done the task ("wall"), and of CPU that they took ("cpu").

        CPU seconds are the mean of the processes: other work on the machine delays both alike, but
        adds little to the time that a process is really at work.
        """
        cpu: list[float] = []
        wall = seconds(lambda: (self._tell(task), cpu.extend(self._wait())))
        return {"wall": wall, "cpu": statistics.mean(cpu)}

    def _tell(self, task: str | None) -> None:
        for _, pipe in self.members:
            pipe.send(task)

    def _wait(self) -> list[float]:
        """CPU seconds of each."""
        taken = []
        for _, pipe in self.members:
            try:
                taken.append(pipe.recv())
            except EOFError:
                raise RuntimeError("a process of the crew died; its error stands above") from None
        return taken

    def dismiss(self) -> None:
        self._tell(None)
        for process, _ in self.members:
            process.join()


@contextmanager
def crew(size: int, prepare: Callable[..., Tasks], *arguments: object) -> Iterator[Crew]:
    """A crew that is dismissed afterwards."""
    members = Crew(size, prepare, *arguments)
    try:
        yield members
    finally:
        members.dismiss()


def _member(pipe: Connection, prepare: Callable[..., Tasks], *arguments: object) -> None:
    torch.set_num_threads(1)
    tasks = prepare(*arguments)
    pipe.send(0.0)
    for name in iter(pipe.recv, None):
        before = _cpu_seconds()
        tasks[name]()
        pipe.send(_cpu_seconds() - before)


def _cpu_seconds() -> float:
    """CPU time of this process, of all its threads, and of the processes that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started in the block inherit."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
