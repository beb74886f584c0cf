"""Processes that do the same thing side by side, as the workflow's jobs do: one thread each."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection

import torch

from measure import seconds

Tasks = Mapping[str, Callable[[], object]]


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
            process.start()
            theirs.close()  # so that its end is noticed
            self.members.append((process, ours))
        self._wait()

    def do(self, task: str) -> float:
        """Seconds until all have done the task."""
        return seconds(lambda: (self._tell(task), self._wait()))

    def _tell(self, task: str | None) -> None:
        for _, pipe in self.members:
            pipe.send(task)

    def _wait(self) -> None:
        for _, pipe in self.members:
            try:
                pipe.recv()
            except EOFError:
                raise RuntimeError("a process of the crew died; its error stands above") from None

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
    pipe.send("ready")
    for name in iter(pipe.recv, None):
        tasks[name]()
        pipe.send("done")
