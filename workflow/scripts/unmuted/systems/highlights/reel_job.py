"""The reels of the matches of a shard, from the recordings themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from unmuted.dataset.limits import video_limits
from unmuted.engine.executor import Artifact, Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.media.ffmpeg import MediaError
from unmuted.media.reel import Cut, Reel, make_reel
from unmuted.media.source import decode, read_probe
from unmuted.media.tracks import by_preference
from unmuted.systems.highlights.picking import NO_HIGHLIGHTS

WITH_SOUND = ("ok", "damaged")  # statuses of a recording's sound

Paths = Mapping[str, Path]


class ReelCutter:
    """Cuts the reels of matches."""

    def __init__(self, job: Job) -> None:
        self._limits = video_limits(job.config)
        self._follow_links = job.config["videos"]["follow_links"]
        self._languages = job.config["wav"]["languages"]
        self._processes = job.threads

    def cut(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield an mp4 of each match; none, with a status, where it has no highlights."""
        return one_by_one(tasks, self._make)

    def _make(self, task: Task) -> Result:
        picked = task.inputs["match_highlights"].json()
        segments = picked["segments"]
        if not segments:
            return Result(task.name, None, NO_HIGHLIGHTS, picked["reason"])
        names = list(dict.fromkeys(segment["recording"] for segment in segments))

        def read(paths: Paths) -> Reel:
            cuts = [self._cut(task, segment, paths) for segment in segments]
            return make_reel(cuts, self._limits, self._processes)

        try:
            reel = self._with_sources(task, names, {}, read)
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        status = "damaged" if reel.remarks else "ok"
        return Result(task.name, reel.write, status, "; ".join([*reel.remarks, *reel.notes]))

    def _with_sources(
        self, task: Task, names: Sequence[str], paths: Paths, read: Callable[[Paths], Reel]
    ) -> Reel:
        """Return what `read` makes of the files of these recordings, each checked to be planned."""
        if not names:
            return read(paths)
        name, *others = names

        def read_others(path: Path) -> Reel:
            return self._with_sources(task, others, {**paths, name: path}, read)

        return decode(task.of_member(name), self._follow_links, self._limits, read_others)

    def _cut(self, task: Task, segment: Mapping[str, Any], paths: Paths) -> Cut:
        name = segment["recording"]
        probe = read_probe(task.inputs[f"probe/{name}"])
        sound: Artifact | None = task.inputs.get(f"step_sound/{name}")
        track = None
        if sound is not None and sound.row.status in WITH_SOUND and probe.audio_tracks:
            track = by_preference(probe.audio_tracks, self._languages)[0].index
        start, end = (Fraction(segment[key], 1000) for key in ("start_ms", "end_ms"))
        return Cut(paths[name], probe, start, end - start, track)
