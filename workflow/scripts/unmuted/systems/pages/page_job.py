"""The pages of a shard's videos."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import FullReader, Job
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.samples.fits import ONLY_FIT
from unmuted.site.page_timeline import Timeline
from unmuted.site.render import data_uri, render_page
from unmuted.site.sections import Cell, Notice, Table
from unmuted.systems.pages import content
from unmuted.systems.pages.copies_job import NOT_SELECTED
from unmuted.systems.pages.drawing import (
    Strip,
    add_features,
    add_sound,
    add_strip,
    thumbnails_of,
)
from unmuted.systems.pages.filter_content import filter_table

TEMPLATE = "page.html.j2"
CHOICE = "comparison_selection"
MP4 = "video/mp4"
_TRAINED = (
    "This is a training clip: classifiers have seen its label, and its generated audio is made by "
    "models that have not seen its source."
)

Rows = Mapping[str, LedgerEntry]


class PageDrawer:
    """Draws pages.

    config: with the sections that the stage declares. choice: of the stage `comparison_selection`,
    which says where the bound of architecture 1's filter lies; None where it is not read.
    """

    def __init__(self, config: Mapping[str, Any], choice: Mapping[str, Any] | None) -> None:
        self._is_even = config["frames"]["sampling"] == "even"
        self._seconds = config["report"]["preview_seconds"]
        self._filter = config["filter"] if choice is not None else {}
        self._choice = choice

    def draw(self, video: Video, inputs: Mapping[str, Artifact], rows: Rows) -> str:
        """Return the page of a video as HTML.

        inputs: its artifacts by stage, of those stages that left one. rows: of the ledgers of all
        stages that the page reads.
        """
        arrays, said = content.previewed(inputs)
        probe = inputs["probe"].json() if "probe" in inputs else None
        strip = Strip.read(inputs["frames"], self._is_even) if "frames" in inputs else None
        seconds = strip.seconds if strip else float(probe["duration_s"]) if probe else 0.0
        timeline, tables = self._timeline(inputs, arrays, strip, seconds)
        captions = content.captions_of(inputs, strip.times) if strip else []
        pictures = thumbnails_of(strip, [one.step for one in captions]) if strip else {}
        predictions, probabilities = content.predictions_of(inputs, video.label)
        return render_page(
            TEMPLATE,
            video.video_id,
            video_id=video.video_id,
            facts=_facts(video, probe, said),
            notices=_notices(rows, said, video),
            clip=_clip(inputs),
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
            probabilities=probabilities,
            filtered=filter_table(inputs, self._filter, self._choice),
            overlay=_overlay(inputs),
            seconds_table=_seconds(inputs),
            absent=content.absent(rows),
        )

    def _timeline(
        self,
        inputs: Mapping[str, Artifact],
        arrays: Mapping[str, Any],
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
        if "flow" in inputs:
            flow = Strip.read(inputs["flow"], self._is_even)
            add_strip(timeline, "Optical flow; hue is direction, brightness is speed", flow)
        if moments := _moments(inputs):
            timeline.add_moments("Events", moments)
        if "wav" in inputs:
            tables += add_sound(timeline, inputs["wav"])
        if "generated" in arrays:
            add_features(timeline, arrays)
            tables.append(content.feature_table(arrays))
        if not timeline.height:
            return None, []
        timeline.add_axis(self._seconds if seconds > self._seconds else None)
        return timeline, tables


def _facts(
    video: Video, probe: Mapping[str, Any] | None, said: Mapping[str, Any]
) -> list[tuple[str, Cell]]:
    """Return what is known of a video, by its name on the page."""
    facts: list[tuple[str, Cell]] = [
        ("label", "none" if video.label is None else video.label),
        ("split", said.get("split") or video.split or ""),
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


def _notices(rows: Rows, said: Mapping[str, Any], video: Video) -> list[Notice]:
    """Return what a person should know before all else."""
    notices = []
    probe = rows.get("probe")
    if probe is not None and not probe.has_artifact:
        reason = f"{probe.status} {probe.reason}".strip()
        notices.append(Notice(f"This video could not be used: {reason}", "caution"))
    wav = rows.get("wav")
    if wav is not None and wav.status != OK and probe is not None and probe.has_artifact:
        notices.append(Notice(f"No usable sound: {wav.status} {wav.reason}".strip()))
    if (said.get("split") or video.split) == "train":
        notices.append(Notice(_TRAINED))
    return notices


def _clip(inputs: Mapping[str, Artifact]) -> str:
    """Return the copy of the video as an address; empty without one."""
    if "clip_copies" not in inputs:
        return ""
    return data_uri(inputs["clip_copies"].checked_path().read_bytes(), MP4)


def _preview(arrays: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the preview's address, and what it is made from; None without one."""
    if "mp4" not in arrays:
        return None
    return {"source": data_uri(arrays["mp4"].tobytes(), MP4), **said["retrieved"]}


def _moments(inputs: Mapping[str, Artifact]) -> list[tuple[float, str]]:
    """Return the events of a recording, in seconds of its file, with their kinds."""
    if "events" not in inputs:
        return []
    events = inputs["events"].json()["events"]
    return [(event["file_milliseconds"] / 1000, event["kind"]) for event in events]


def _overlay(inputs: Mapping[str, Artifact]) -> str:
    if "avs_overlays" not in inputs:
        return ""
    return data_uri(inputs["avs_overlays"].checked_path().read_bytes(), MP4)


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
    extra = {
        name: [
            [video.label, video.group, video.split],
            [[stage, row.status, row.reason] for stage, row in rows[name].items()],
            "" if choice is None else choice.row.digest,
        ]
        for name, video in job.videos.items()
    }

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        drawer = PageDrawer(job.config, None if choice is None else choice.json())
        for task in tasks:
            copied = rows[task.name]["clip_copies"]
            if copied.status == NOT_SELECTED:
                yield Result(task.name, None, NOT_SELECTED, copied.reason)
                continue
            page = drawer.draw(job.videos[task.name], task.inputs, rows[task.name])
            yield Result(task.name, partial(write_page, page=page))

    job.run_shard(compute, extra)


def write_page(path: Path, page: str) -> None:
    """Write a page."""
    path.write_text(page, encoding="utf-8")


def draw_one(reader: FullReader, task: Task, rows: Rows, choice: Artifact | None) -> Result:
    """Return the page of one video, whatever its shard; as `run` makes those of a shard."""
    drawer = PageDrawer(reader.config, None if choice is None else choice.json())
    page = drawer.draw(reader.videos[task.name], task.inputs, rows)
    return Result(task.name, partial(write_page, page=page))
