"""The labelled events of a shard's recordings, within what the files show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmuted.engine.executor import Result, Task
from unmuted.media.source import read_probe
from unmuted.text import exact


def place_events(tasks: Sequence[Task], targets: Mapping[str, Any]) -> Iterator[Result]:
    """Yield a record of each task's events; those outside the file are rejected, with reasons.

    targets: by video id, as `unmuted.dataset.matches.targets_of` gives them.
    """
    for task in tasks:
        seconds = read_probe(task.inputs["probe"]).duration_s
        record = within_file(targets[task.name], seconds)
        count = record["rejected_count"]
        reason = f"{count} events rejected" if count else ""
        yield Result(task.name, record, reason=reason)


def within_file(targets: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Return targets without the events that lie outside a file of so many seconds, or its half."""
    rejected = [list(pair) for pair in targets["rejected"]]
    count = targets["rejected_count"]
    ends = _ends(targets["halves"], seconds)
    kept: dict[str, list[Any]] = {"events": [], "others": []}
    for name, events in kept.items():
        for event in targets[name]:
            end = ends[str(event["half"])]
            if event["file_milliseconds"] <= 1000 * end:
                events.append(event)
                continue
            time = f"{exact(event['milliseconds'] / 1000)} s of half {event['half']}"
            shown = end - targets["halves"][str(event["half"])]
            rejected.append(
                [f"{event['kind']} at {time}", f"its half ends at {exact(round(shown, 3))} s"]
            )
            count += 1
    record = {**targets, **kept, "rejected": rejected, "rejected_count": count}
    return record | {"seconds": seconds, "half_ends": ends}


def _ends(halves: Mapping[str, float], seconds: float) -> dict[str, float]:
    """Return the seconds of the file at which each half ends: where the next begins, or the end."""
    starts = sorted(halves.values())
    return {
        half: min((later for later in starts if later > start), default=seconds)
        for half, start in halves.items()
    }
