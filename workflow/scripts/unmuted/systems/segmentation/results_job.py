"""What users get of each video: an overlay, masks as pictures, and a table by second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from unmuted.dataset.limits import video_limits
from unmuted.engine.executor import Result, Task, one_by_one
from unmuted.engine.job import Job
from unmuted.evaluation.outputs import table, write_table
from unmuted.media.ffmpeg import MediaError
from unmuted.media.source import decode, read_probe
from unmuted.media.tracks import by_preference
from unmuted.systems.segmentation.marking import NOTES, STATUSES

FRAMES, MASKS = "avs_frames", "avs_masks"
COLUMNS = (
    *("second", "start_s", "end_s", "frame_s", "audio", "rms_db", "area_share", "regions"),
    *("max_p", "mean_p", "status"),
)


class VideoMasks:
    """The masks of one video: arrays of `avs_masks`, and the sizes of `avs_frames`."""

    def __init__(self, task: Task) -> None:
        arrays = task.inputs[MASKS].tensors()
        self.probabilities, self.rms_db = arrays["probabilities"], arrays["rms_db"]
        self.has_audio = arrays["has_audio"].astype(bool)
        self.threshold = float(arrays["threshold"][0])
        self.statuses = [STATUSES[i] for i in arrays["statuses"].tolist()]
        with task.inputs[FRAMES].open_tensors() as file:
            names = ("size", "native", "starts", "ends", "frame_times")
            self.frames: Mapping[str, np.ndarray] = {name: file.rows(name) for name in names}

    def mask(self, second: int, native: Sequence[int] | None = None) -> np.ndarray:
        """Return the mask of a second at the video's size, bool (H, W)."""
        from unmuted.systems.segmentation.native_masks import native_mask

        size, own = self.frames["size"].tolist(), self.frames["native"].tolist()
        return native_mask(self.probabilities[second], size, native or own, self.threshold)

    def masks(self) -> Iterator[np.ndarray]:
        """Yield the masks of all seconds."""
        return (self.mask(second) for second in range(len(self.statuses)))

    def rows(self) -> list[dict[str, Any]]:
        """Return a row of `sounding.csv` for each second."""
        height, width = self.frames["size"].tolist()
        inside = self.probabilities[:, :height, :width]
        return [self._row(second, inside[second]) for second in range(len(inside))]

    def _row(self, second: int, stored: np.ndarray) -> dict[str, Any]:
        from unmuted.systems.segmentation.stored_probabilities import SCALE

        mask = self.mask(second)
        values = (
            second,
            round(float(self.frames["starts"][second]), 3),
            round(float(self.frames["ends"][second]), 3),
            round(float(self.frames["frame_times"][second]), 3),
            "yes" if self.has_audio[second] else "no",
            round(float(self.rms_db[second]), 1) if self.has_audio[second] else "",
            round(float(mask.mean()), 6),
            regions(mask),
            round(float(stored.max()) / SCALE, 4),
            round(float(stored.mean()) / SCALE, 4),
            self.statuses[second],
        )
        return dict(zip(COLUMNS, values, strict=True))


def regions(mask: np.ndarray) -> int:
    """Return the number of connected regions of a mask; pixels touch at sides and corners."""
    import cv2

    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1


def write_mask_files(tasks: Sequence[Task]) -> Iterator[Result]:
    """Yield an archive of the masks of each task's video."""
    for task in tasks:
        yield Result(task.name, partial(_write_masks, video=VideoMasks(task)))


def write_tables(tasks: Sequence[Task]) -> Iterator[Result]:
    """Yield a table by second of each task's video."""
    for task in tasks:
        rows = VideoMasks(task).rows()
        yield Result(task.name, partial(_write_rows, rows=rows))


def _write_masks(path: Path, video: VideoMasks) -> None:
    from unmuted.systems.segmentation.native_masks import write_archive

    write_archive(path, video.masks())


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write_table(path, table(rows, list(COLUMNS)))


class OverlayDrawer:
    """Draws what sounds on the videos of a shard."""

    def __init__(self, job: Job) -> None:
        self._limits = video_limits(job.config)
        self._follow_links = job.config["videos"]["follow_links"]
        self._languages = job.config["wav"]["languages"]

    def draw(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield an mp4 of each task's video; its sound is the video's own."""
        return one_by_one(tasks, self._make)

    def _make(self, task: Task) -> Result:
        from unmuted.media.overlay import Overlay, draw_on_video
        from unmuted.systems.segmentation.native_masks import Drawer

        probe, video = read_probe(task.inputs["probe"]), VideoMasks(task)
        native = probe.height, probe.width
        drawer = Drawer(
            lambda second: video.mask(second, native), [NOTES.get(s, "") for s in video.statuses]
        )
        tracks = by_preference(probe.audio_tracks, self._languages)
        track = tracks[0].index if tracks else None

        def read(path: Path) -> Overlay:
            return draw_on_video(path, probe, drawer.draw, track, self._limits)

        try:
            overlay = decode(task, self._follow_links, self._limits, read)
        except MediaError as error:
            return Result(task.name, None, error.status, error.reason)
        status = "damaged" if overlay.warning else "ok"
        return Result(task.name, overlay.write, status, overlay.warning)
