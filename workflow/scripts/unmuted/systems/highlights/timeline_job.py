"""The timelines of the matches of a shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.systems.highlights.found import FoundRecording, arm_of, find_in_match


class TimelineDrawer:
    """Draws the timelines of matches."""

    def __init__(self, job: Job) -> None:
        self._config = job.config

    def draw(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield a PNG of each match."""
        for task in tasks:
            highlights = self._config["highlights"]
            found = find_in_match(
                task,
                self._config["steps"]["rate"],
                highlights["method"],
                arm_of(highlights),
                self._config["matches"]["kinds"],
            )
            yield Result(task.name, partial(write, found, task.inputs["match_highlights"].json()))


def write(found: Sequence[FoundRecording], picked: Mapping[str, Any], path: Path) -> None:
    """Write the timeline of a match; picked: the artifact of its highlights."""
    from unmuted.evaluation.figures.style import save
    from unmuted.systems.highlights.picking import arm_line
    from unmuted.systems.highlights.timeline import Panel, draw_timeline

    panels = [
        Panel(
            f"{one.scores.recording}, half {_halves(one)}",
            one.scores.rate,
            one.scores.scores,
            one.scores.valid,
            one.level_db,
            one.has_sound,
            _segments(picked, one.scores.recording),
            None
            if one.events is None
            else [(e.milliseconds / 1000, e.kind, e.is_shown) for e in one.file_events],
        )
        for one in found
    ]
    figure = draw_timeline(
        picked["match"], arm_line(picked["arms"]), found[0].kinds, panels, picked["reason"]
    )
    save(figure, path)


def _halves(one: FoundRecording) -> str:
    return " and ".join(map(str, sorted(one.scores.half_starts)))


def _segments(picked: Mapping[str, Any], recording: str) -> list[tuple[float, float]]:
    return [
        (segment["start_ms"] / 1000, segment["end_ms"] / 1000)
        for segment in picked["segments"]
        if segment["recording"] == recording
    ]
