"""The pages of a shard's videos."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unmuted.dataset.limits import Limits
from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import FullReader, Job
from unmuted.engine.ledger import LedgerEntry
from unmuted.media.preview import first_picture
from unmuted.samples.fits import ONLY_FIT
from unmuted.site.page_timeline import Timeline
from unmuted.site.render import data_uri, render_page
from unmuted.site.sections import Cell, Notice, Table
from unmuted.systems.pages import content
from unmuted.systems.pages.copies_job import copy_limits
from unmuted.systems.pages.drawing import (
    Strip,
    add_features,
    add_masks,
    add_sound,
    add_strip,
    thumbnails_of,
)
from unmuted.systems.pages.filter_content import filter_table
from unmuted.systems.pages.notices import notices
from unmuted.systems.pages.predicted import predictions_of, read_arms
from unmuted.systems.pages.statuses import NOT_SELECTED

TEMPLATE = "page.html.j2"
CHOICE = "comparison_selection"
MP4 = "video/mp4"
POSTER = 320  # pixels of the longer side of what a player shows before it plays

WITHOUT_LABELS = (
    "This run has no labels to learn from, so nothing was trained on its videos. The page shows "
    "what needs no training."
)

Rows = Mapping[str, LedgerEntry]


def player_of(inputs: Mapping[str, Artifact], stage: str, limits: Limits) -> dict[str, str] | None:
    """Return a copy and its first picture as addresses; None without the copy."""
    if stage not in inputs:
        return None
    path = inputs[stage].checked_path()
    picture = first_picture(path, POSTER, limits)
    poster = data_uri(picture, "image/jpeg") if picture else ""
    return {"source": data_uri(path.read_bytes(), MP4), "poster": poster}


class PageDrawer:
    """Draws pages.

    config: with the sections that the stage declares. choice: of the stage `comparison_selection`,
    which says where the bound of architecture 1's filter lies; None where it is not read.
    has_labels: whether the run has labels to learn from.
    """

    def __init__(
        self, config: Mapping[str, Any], choice: Mapping[str, Any] | None, has_labels: bool = True
    ) -> None:
        self._has_labels = has_labels
        self._is_even = config["frames"]["sampling"] == "even"
        self._seconds = config["report"]["preview_seconds"]
        self._filter = config["filter"] if choice is not None else {}
        self._choice = choice
        self._limits = copy_limits(config)
        self._trains_networks = config["avs"]["checkpoint"] is None

    def draw(
        self, video: Video, inputs: Mapping[str, Artifact], rows: Rows, split: str | None = None
    ) -> str:
        """Return the page of a video as HTML.

        inputs: its artifacts by stage, of those stages that left one. rows: of the ledgers of all
        stages that the page reads. split: of the video in the run, None if it has none.
        """
        arrays, said = content.previewed(inputs)
        probe = inputs["probe"].json() if "probe" in inputs else None
        strip = Strip.read(inputs["frames"], self._is_even) if "frames" in inputs else None
        seconds = strip.seconds if strip else float(probe["duration_s"]) if probe else 0.0
        timeline, tables = self._timeline(inputs, arrays, said.get("seeds", 0), strip, seconds)
        captions = content.captions_of(inputs, strip.times) if strip else []
        pictures = thumbnails_of(strip, [one.step for one in captions]) if strip else {}
        arms = read_arms(inputs, split)
        predictions, probabilities = predictions_of(arms, video.label)
        clip = player_of(inputs, "clip_copies", self._limits)
        overlay = player_of(inputs, "overlay_copies", self._limits)
        return render_page(
            TEMPLATE,
            video.video_id,
            video_id=video.video_id,
            facts=_facts(video, probe, split),
            notices=[
                *self._missing(),
                *notices(rows, inputs, arms, split, self._trains_networks),
            ],
            clip=clip,
            clip_note=rows["clip_copies"].reason if "clip_copies" in rows else "",
            has_previews="sound_previews" in rows,
            preview=_preview(arrays, said),
            timeline=timeline,
            shown_seconds=self._seconds,
            tables=tables,
            moments=_moments(inputs),
            captions=captions,
            pictures=pictures,
            label_lists=content.label_lists(inputs, said),
            predictions=predictions,
            label=video.label,
            is_judged=any(one.is_right is not None for one in predictions),
            probabilities=probabilities,
            filtered=filter_table(inputs, self._filter, self._choice),
            overlay=overlay,
            overlay_note=rows["overlay_copies"].reason if "overlay_copies" in rows else "",
            seconds_table=_seconds(inputs),
            absent=content.absent(rows),
        )

    def _missing(self) -> list[Notice]:
        return [] if self._has_labels else [Notice(WITHOUT_LABELS)]

    def _timeline(
        self,
        inputs: Mapping[str, Artifact],
        arrays: Mapping[str, Any],
        seeds: int,
        strip: Strip | None,
        seconds: float,
    ) -> tuple[Timeline | None, list[Table]]:
        """Return the drawing of all that lies on the axis of time, and its numbers."""
        timeline, tables = Timeline(seconds), []
        if strip is not None:
            marked: Sequence[int] = ()
            if "representative_frames" in inputs:
                marked = inputs["representative_frames"].json()["steps"]
            add_strip(timeline, "Frames; the representative ones are outlined", strip, marked)
            steps = content.step_table(inputs, strip.times, seconds, arrays.get("cosine"))
            tables.append(steps)
        if {"avs_frames", "avs_masks"} <= inputs.keys():
            add_masks(timeline, inputs["avs_frames"], inputs["avs_masks"])
        if "flow" in inputs:
            flow = Strip.read(inputs["flow"], self._is_even)
            add_strip(timeline, "Optical flow; hue is direction, brightness is speed", flow)
        if moments := _moments(inputs):
            timeline.add_moments("Events", moments)
        if "wav" in inputs:
            tables += add_sound(timeline, inputs["wav"])
        if "generated" in arrays:
            add_features(timeline, arrays, content.mean_over(seeds))
            tables.append(content.feature_table(arrays, seeds))
        if not timeline.height:
            return None, []
        timeline.add_axis(self._seconds if seconds > self._seconds else None)
        return timeline, tables


def _facts(
    video: Video, probe: Mapping[str, Any] | None, split: str | None
) -> list[tuple[str, Cell]]:
    """Return what is known of a video, by its name on the page."""
    facts: list[tuple[str, Cell]] = [
        ("label", "none" if video.label is None else video.label),
        ("split", split or ""),
        ("source group", video.group),
    ]
    if probe is not None:
        heard = probe["audio_codec"] or "no sound"
        size = f"{probe['width']} x {probe['height']} pixels, {probe['fps']:.4g} frames a second"
        facts += [
            ("duration", f"{probe['duration_s']:.6g} s"),
            ("picture", size),
            ("coded as", f"{probe['video_codec']} and {heard} in {probe['container']}"),
            ("remark on the file", "; ".join(filter(None, [probe["damage"], probe["note"]]))),
        ]
    return [(name, value) for name, value in facts if value != ""]


def _preview(arrays: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the preview's address, and what it is made from; None without one."""
    if "mp4" not in arrays:
        return None
    of_seeds = content.mean_over(said["seeds"])
    return {
        "source": data_uri(arrays["mp4"].tobytes(), MP4),
        "of_seeds": of_seeds,
        **said["retrieved"],
    }


def _moments(inputs: Mapping[str, Artifact]) -> list[tuple[float, str]]:
    """Return the events of a recording, in seconds of its file, with their kinds."""
    if "events" not in inputs:
        return []
    events = inputs["events"].json()["events"]
    return [(event["file_milliseconds"] / 1000, event["kind"]) for event in events]


def _seconds(inputs: Mapping[str, Artifact]) -> Table | None:
    """Return the table of what sounds in each second of a video with masks."""
    if "avs_tables" not in inputs:
        return None
    with inputs["avs_tables"].checked_path().open(newline="", encoding="utf-8") as file:
        columns, *rows = csv.reader(file)
    return Table(columns, rows, "What sounds in each second", "sounding")


def shown_rows(job: Job, stages: Sequence[str]) -> dict[str, Rows]:
    """Return by video the rows of these stages, of the job's shard."""
    shard = job.partition
    ledgers = {stage: job.rows(stage, shard) for stage in stages}
    return {
        name: {stage: rows[name] for stage, rows in ledgers.items() if name in rows}
        for name in job.videos
    }


def run(job: Job) -> None:
    """Bring the pages of the selected videos of a shard up to date."""
    rows = shown_rows(job, job.stage.optional)
    choice = job.fits(CHOICE)[ONLY_FIT] if CHOICE in job.stage.fits else None
    given = {name: video.split for name, video in job.videos.items()}
    splits = given | (job.read_splits() if job.reads_splits else {})
    extra = {
        name: [
            [video.label, video.group, splits[name], job.reads_splits],
            [[stage, row.status, row.reason] for stage, row in rows[name].items()],
            "" if choice is None else choice.row.digest,
        ]
        for name, video in job.videos.items()
    }

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        read = None if choice is None else choice.json()
        drawer = PageDrawer(job.config, read, job.reads_splits)
        for task in tasks:
            copied = rows[task.name]["clip_copies"]
            if copied.status == NOT_SELECTED:
                yield Result(task.name, None, NOT_SELECTED, copied.reason)
                continue
            video, split = job.videos[task.name], splits[task.name]
            page = drawer.draw(video, task.inputs, rows[task.name], split)
            yield Result(task.name, partial(write_page, page=page))

    job.run_shard(compute, extra)


def write_page(path: Path, page: str) -> None:
    """Write a page."""
    path.write_text(page, encoding="utf-8")


def draw_one(
    reader: FullReader,
    task: Task,
    rows: Rows,
    choice: Artifact | None,
    split: str | None,
    has_labels: bool,
) -> Result:
    """Return the page of one video, whatever its shard; as `run` makes those of a shard."""
    drawer = PageDrawer(reader.config, None if choice is None else choice.json(), has_labels)
    video = reader.videos[task.name]
    page = drawer.draw(video, task.inputs, rows, split or video.split)
    return Result(task.name, partial(write_page, page=page))
