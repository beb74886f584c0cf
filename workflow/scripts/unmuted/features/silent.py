"""Clips without usable sound: what stages that listen say of them."""

from __future__ import annotations

from collections.abc import Sequence

from unmuted.engine.executor import Result, Task


def split_silent(tasks: Sequence[Task]) -> tuple[list[Result], list[Task]]:
    """Return results for the tasks whose wav is silent, with its reason, and the other tasks."""
    silent, sounding = [], []
    for task in tasks:
        row = task.inputs["wav"].row
        if row.status == "silent":
            silent.append(Result(task.name, None, row.status, row.reason))
        else:
            sounding.append(task)
    return silent, sounding
