"""The pages of a shard's matches: reel, timeline, what was found, and what is absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from unmuted.dataset.videos import Video
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.site.render import data_uri, render_page
from unmuted.site.sections import Cell, Notice, Table
from unmuted.systems.highlights.match_tables import (
    events_table,
    moments_table,
    scored,
    segments_table,
)
from unmuted.systems.highlights.picking import arm_line
from unmuted.systems.pages.copies_job import WHY_NOT_SELECTED, copy_limits, selected_units
from unmuted.systems.pages.page_job import player_of, write_page
from unmuted.systems.pages.shown import OF_MATCH
from unmuted.systems.pages.statuses import NO_FITS, NOT_SELECTED

TEMPLATE = "match.html.j2"
# Stages in the words of a page, in its order: of each recording, and of the match.
WORDS: Mapping[str, str] = {
    "probe": "video file",
    "step_visual": "features of the picture",
    "step_sound": "features of the sound",
    "events": "labelled events",
    "spots": "scores of each step",
    "match_highlights": "highlights",
    "timelines": "timeline",
    "reels": "reel",
    "reel_copies": "copy of the reel for the player",
}
WITHOUT_LABELS = (
    "No match of this run has labelled events, so what is found in them cannot be measured."
)
NOT_TRAINED = (
    "Nothing was looked for in this match: labels and splits allow no spotter to be trained. "
    "A ready spotter (highlights.spotter.path) and loudness (highlights.method) need no training."
)
TRAINED_ON = (
    "What finds the moments was trained or chosen on this match: what it finds here says less than "
    "on a test match."
)

Rows = Mapping[str, LedgerEntry]  # by stage


@dataclass(frozen=True)
class Match:
    """What there is of a match.

    recordings: its videos by id. splits: of those that have one. inputs: artifacts, by stage, or by
    `stage/video_id`. rows: of the match, and `of_recordings`, by video id, of the ledgers of all
    stages that the page reads.
    """

    unit: str
    recordings: Mapping[str, Video]
    splits: Mapping[str, str]
    inputs: Mapping[str, Artifact]
    rows: Rows
    of_recordings: Mapping[str, Rows]

    def of_recording(self, stage: str) -> dict[str, dict[str, Any]]:
        """Return the JSON artifacts of a stage by recording, of those that have one."""
        keys = {name: f"{stage}/{name}" for name in self.recordings}
        return {name: self.inputs[key].json() for name, key in keys.items() if key in self.inputs}


class MatchDrawer:
    """Draws pages. config: with `media.sandbox`. has_labels: whether any match has events."""

    def __init__(self, config: Mapping[str, Any], has_labels: bool) -> None:
        self._limits, self._has_labels = copy_limits(config), has_labels

    def draw(self, match: Match) -> str:
        """Return the page of a match as HTML."""
        inputs, unit = match.inputs, match.unit
        picked = inputs["match_highlights"].json() if "match_highlights" in inputs else None
        events = match.of_recording("events")
        copied = match.rows.get("reel_copies")
        reel = player_of(inputs, "reel_copies", self._limits)
        labelled = events_table(events, picked, unit, "events")
        tables = [] if picked is None else [segments_table(picked, unit, "segments")]
        tables += [] if labelled is None else [labelled]
        tables += [] if picked is None else [moments_table(picked, unit, "moments")]
        return render_page(
            TEMPLATE,
            f"Match {unit}",
            unit=unit,
            facts=_facts(match, events, picked),
            notices=self._notices(match, picked),
            reel=reel,
            reel_note="" if copied is None else copied.reason,
            why_none=_why_none(match, picked),
            timeline=_picture(inputs.get("timelines")),
            recordings=_recordings(match, events),
            tables=[table for table in tables if table.rows],
            absent=_absent(match),
        )

    def _notices(self, match: Match, picked: Mapping[str, Any] | None) -> list[Notice]:
        notices = []
        if picked is None and any(row.status == NO_FITS[0] for row in match.rows.values()):
            notices.append(Notice(NOT_TRAINED))
        elif not self._has_labels:
            notices.append(Notice(WITHOUT_LABELS))
        if picked is not None and picked["trained_on"]:
            notices.append(Notice(TRAINED_ON))
        return notices


def _facts(
    match: Match, events: Mapping[str, Mapping[str, Any]], picked: Mapping[str, Any] | None
) -> list[tuple[str, Cell]]:
    """Return what is known of a match, by its name on the page."""
    source_name = next((known["match"] for known in events.values()), match.unit)
    splits = sorted({match.splits[name] for name in match.recordings if name in match.splits})
    facts: list[tuple[str, Cell]] = [("match", source_name), ("split", ", ".join(splits) or "none")]
    if picked is None:
        return facts
    facts += [
        ("found by", arm_line(picked["arms"]).removeprefix("arm: ")),
        ("kinds", ", ".join(picked["kinds"])),
    ]
    segments = picked["segments"]
    seconds = sum(segment["end_ms"] - segment["start_ms"] for segment in segments) / 1000
    facts.append(("reel", f"{len(segments)} segments, {seconds:g} s"))
    _, shown, recall = scored(picked)
    if recall is not None:
        counts = f"{shown} labelled, {recall:.3g} % of them in the reel"
        facts.append(("events that the broadcast shows", counts))
    return facts


def _why_none(match: Match, picked: Mapping[str, Any] | None) -> str:
    """Return why there is no reel to play: of the first stage that made nothing."""
    if picked is not None and picked["reason"]:
        return str(picked["reason"])
    rows = [match.rows[stage] for stage in ("reels", "reel_copies") if stage in match.rows]
    row = next((row for row in rows if not row.has_artifact), None)
    return "" if row is None else f"{row.status} {row.reason}".strip()


def _picture(artifact: Artifact | None) -> str:
    if artifact is None:
        return ""
    return data_uri(artifact.checked_path().read_bytes(), "image/png")


def _recordings(match: Match, events: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return the recordings with their halves, lengths, and what became of picture and sound."""
    rows: list[Sequence[Cell]] = []
    for name in match.recordings:
        known, of_stages = events.get(name), match.of_recordings[name]
        halves = None if known is None else ", ".join(sorted(known["halves"]))
        seconds = None if known is None else float(known["seconds"])
        labelled = None if known is None or not known["has_labels"] else len(known["events"])
        statuses = [
            of_stages[stage].status if stage in of_stages else None
            for stage in ("step_visual", "step_sound")
        ]
        rows.append((name, halves, seconds, labelled, *statuses))
    columns = ("recording", "half", "seconds", "labelled events", "picture", "sound")
    return Table(columns, rows, "Recordings", "recordings")


def _absent(match: Match) -> Table | None:
    """Return what is absent or has a remark, with statuses and reasons; None if all is there."""
    ledgers = [(name, match.of_recordings[name]) for name in match.recordings]
    ledgers.append((match.unit, match.rows))
    absent: list[Sequence[Cell]] = [
        (WORDS[stage], name, stage, rows[stage].status, rows[stage].reason)
        for stage in WORDS
        for name, rows in ledgers
        if stage in rows and (rows[stage].status != OK or not rows[stage].has_artifact)
    ]
    if not absent:
        return None
    columns = ("what", "of", "stage", "status", "reason")
    return Table(columns, absent, "Statuses and reasons", "")


def ledger_rows(
    job: Any, shard: str, stages: Sequence[str]
) -> tuple[Mapping[str, Rows], Mapping[str, Rows]]:
    """Return the rows of a shard by unit and by video.

    stages: those that are made; what a page shows besides them needs fits that there are not.
    """
    of_units: dict[str, dict[str, LedgerEntry]] = {}
    of_videos: dict[str, dict[str, LedgerEntry]] = {}
    for stage in OF_MATCH:
        known, names = (of_units, job.units) if job.is_per_unit(stage) else (of_videos, job.videos)
        if stage in stages:
            rows = job.rows(stage, shard)
        else:
            rows = {name: LedgerEntry(name, *NO_FITS, "", "", 0, 0.0) for name in names}
        for name, row in rows.items():
            known.setdefault(name, {})[stage] = row
    return of_units, of_videos


def run(job: Job) -> None:
    """Bring the pages of the selected matches of a shard up to date."""
    selected = selected_units(job)
    splits = job.read_splits() if job.reads_splits else {}
    stages = [stage for stage in OF_MATCH if stage in job.stage.optional]
    of_units, of_videos = ledger_rows(job, str(job.partition), stages)
    extra = {
        unit: [
            selected[unit],
            job.reads_splits,
            [[name, splits.get(name), _statuses(of_videos.get(name, {}))] for name in videos],
            _statuses(of_units.get(unit, {})),
        ]
        for unit, videos in job.units.items()
    }

    def compute(tasks: Sequence[Task]) -> Iterator[Result]:
        drawer = MatchDrawer(job.config, job.reads_splits)
        for task in tasks:
            if not selected[task.name]:
                yield Result(task.name, None, NOT_SELECTED, WHY_NOT_SELECTED)
                continue
            of_recordings = {name: of_videos.get(name, {}) for name in task.members}
            rows = of_units.get(task.name, {})
            match = Match(task.name, task.members, splits, task.inputs, rows, of_recordings)
            yield Result(task.name, partial(write_page, page=drawer.draw(match)))

    job.run_shard(compute, extra)


def _statuses(rows: Rows) -> list[list[str]]:
    """Return stages, statuses and reasons of rows, as a JSON value for fingerprints."""
    return [[stage, row.status, row.reason] for stage, row in rows.items()]
