"""The copies that pages play: of a shard's videos, and of the films that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from unmuted.dataset.limits import Limits, video_limits
from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact, Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.media.ffmpeg import MediaError
from unmuted.media.preview import Preview, make_preview
from unmuted.media.probe import probe as probe_film
from unmuted.media.source import decode, read_probe
from unmuted.media.tracks import by_preference
from unmuted.systems.pages.statuses import NOT_SELECTED

WHY_NOT_SELECTED = "report.pages does not select it"
REEL_SECONDS = 300  # of a reel's copy, at most
_DAY_S, _FASTEST = 86_400, 60  # frames a second


def is_selected(video: Video, split: str | None, pages: str) -> bool:
    """Return whether a video's page stands in the report; pages: the setting report.pages."""
    if pages == "test":
        return split == "test"
    return pages == "all" or (pages == "labelled" and (split or video.label) is not None)


def selection_of(job: Job) -> dict[str, bool]:
    """Return of each video of a shard whether its page stands in the report.

    Without labels there are no splits: all pages do, unless the report has none.
    """
    pages = job.config["report"]["pages"]
    if not job.reads_splits:
        return dict.fromkeys(job.videos, pages != "none")
    splits = job.read_splits()
    return {name: is_selected(one, splits.get(name), pages) for name, one in job.videos.items()}


def copy_limits(config: Mapping[str, Any]) -> Limits:
    """Return the limits of an ffmpeg that reads copies: they are small, whatever videos may be."""
    return Limits(sandbox=config["media"]["sandbox"])


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


class FilmCopier:
    """Copies films that the workflow itself has made: reels, and videos with their masks.

    config: with `media.sandbox` and `report.preview_side`. seconds: of a copy, at most.
    """

    def __init__(self, config: Mapping[str, Any], seconds: float) -> None:
        self._side, self._seconds = config["report"]["preview_side"], seconds
        self._limits = Limits(_DAY_S, _DAY_S * _FASTEST, sandbox=config["media"]["sandbox"])

    def make(self, name: str, film: Artifact) -> Result:
        """Return the copy of a film; its reason says what it does not show."""
        path = film.checked_path()
        try:
            found = probe_film(path, self._limits)
            track = found.audio_tracks[0].index if found.audio_tracks else None
            copy = make_preview(path, found, track, self._side, self._seconds, self._limits)
        except MediaError as error:
            return Result(name, None, error.status, error.reason)
        shown = "" if copy.is_whole else f"the first {copy.seconds:g} s of {found.duration_s:.6g} s"
        return Result(name, copy.write, "ok", "; ".join(filter(None, [shown, copy.warning])))


def copy_clips(job: Job) -> None:
    """Bring the copies of the selected videos of a shard up to date."""
    _run_selected(job, selection_of(job), ClipCopier(job.config).make)


def copy_overlays(job: Job) -> None:
    """Bring the copies of the selected videos with their masks up to date."""
    copier = FilmCopier(job.config, job.config["report"]["preview_seconds"])
    make = partial(_of_film, copier, "avs_overlays")
    _run_selected(job, selection_of(job), make)


def copy_reels(job: Job) -> None:
    """Bring the copies of the reels of the selected matches of a shard up to date."""
    make = partial(_of_film, FilmCopier(job.config, REEL_SECONDS), "reels")
    _run_selected(job, selected_units(job), make)


def selected_units(job: Job) -> dict[str, bool]:
    """Return of each match of a shard whether the report shows any of its recordings."""
    selected = selection_of(job)
    return {unit: any(map(selected.__getitem__, videos)) for unit, videos in job.units.items()}


def _of_film(copier: FilmCopier, stage: str, task: Task) -> Result:
    return copier.make(task.name, task.inputs[stage])


def _run_selected(job: Job, selected: Mapping[str, bool], copy: Callable[[Task], Result]) -> None:
    """Bring a shard up to date, with a copy of what is selected."""

    def make(task: Task) -> Result:
        if not selected[task.name]:
            return Result(task.name, None, NOT_SELECTED, WHY_NOT_SELECTED)
        return copy(task)

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        return one_by_one(tasks, make)

    job.run_shard(compute, selected)
