"""What tests of runs with the stages of the workflow share, besides their fixtures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.engine.executor import Result, Task
from unmuted.pipeline.registry import STAGES

LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(4)} | {"loose": None}


def made_of_names(todo: Sequence[Task]) -> Iterator[Result]:
    """Artifacts that hold their names."""
    yield from (Result(task.name, {"of": task.name}) for task in todo)


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one if one[name] != other[name]}


def upstream(stage: str) -> set[str]:
    """All stages from which a stage is made, at any depth."""
    found: set[str] = set()
    queue = [stage]
    while queue:
        one = STAGES[queue.pop()]
        new = set(one.upstream) - found
        found |= new
        queue += new
    return found
