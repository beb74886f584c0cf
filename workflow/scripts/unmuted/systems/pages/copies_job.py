"""The copies of a shard's videos that browsers play."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmuted.dataset.limits import video_limits
from unmuted.dataset.videos import Video
from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.media.ffmpeg import MediaError
from unmuted.media.preview import Preview, make_preview
from unmuted.media.source import decode, read_probe
from unmuted.media.tracks import by_preference

NOT_SELECTED = "not_selected"
_WHY = "report.pages does not select it"


def is_selected(video: Video, split: str | None, pages: str) -> bool:
    """Return whether a video's page stands in the report; pages: the setting report.pages."""
    if pages == "test":
        return split == "test"
    return pages == "all" or (pages == "labelled" and (split or video.label) is not None)


class ClipCopier:
    """Copies the beginnings of videos."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._limits = video_limits(config)
        self._follow_links = config["videos"]["follow_links"]
        self._languages = config["wav"]["languages"]
        self._side = config["report"]["preview_side"]
        self._seconds = config["report"]["preview_seconds"]

    def make(self, task: Task) -> Result:
        """Return the copy of a task's video; its reason says what it does not show."""
        probe = read_probe(task.inputs["probe"])
        tracks = by_preference(probe.audio_tracks, self._languages)
        track = next((one.index for one in tracks if not one.is_encrypted), None)
        size = self._side, self._seconds

        def read(path: Any) -> Preview:
            return make_preview(path, probe, track, *size, self._limits)

        try:
            copy = decode(task, self._follow_links, self._limits, read)
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        status = "damaged" if copy.warning else "ok"
        shown = "" if copy.is_whole else f"the first {copy.seconds:g} s of {probe.duration_s:.6g} s"
        return Result(task.name, copy.write, status, "; ".join(filter(None, [shown, copy.warning])))


def run(job: Job) -> None:
    """Bring the copies of the selected videos of a shard up to date."""
    splits, pages = job.read_splits(), job.config["report"]["pages"]
    selected = {
        name: is_selected(video, splits.get(name), pages) for name, video in job.videos.items()
    }
    copier = ClipCopier(job.config)

    def make(task: Task) -> Result:
        if not selected[task.name]:
            return Result(task.name, None, NOT_SELECTED, _WHY)
        return copier.make(task)

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        return one_by_one(tasks, make)

    job.run_shard(compute, selected)
