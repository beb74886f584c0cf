"""The highlights of the matches of a shard: tables, predictions, metrics and segments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from unmuted.config.reel import ReelSection
from unmuted.dataset.events import (
    ANY_KIND,
    Event,
    Spot,
    events_of_any_kind,
    spots_of_any_kind,
)
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.systems.highlights.found import FoundRecording, arm_of, find_in_match
from unmuted.systems.highlights.picking import (
    Highlights,
    match_metrics,
    pick,
    reel_metrics,
    table_text,
)
from unmuted.systems.highlights.predictions import predictions_text
from unmuted.systems.highlights.reel_stages import METRICS, PREDICTIONS, TABLE


class Picker:
    """Picks the highlights of matches."""

    def __init__(self, job: Job) -> None:
        self._config = job.config
        self._settings = ReelSection.of(job.config["highlights"]["reel"])

    def pick(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Yield a record of each match; status `no_highlights` where a reel would be empty."""
        for task in tasks:
            highlights = self._config["highlights"]
            found = find_in_match(
                task,
                self._config["steps"]["rate"],
                highlights["method"],
                arm_of(highlights),
                self._config["matches"]["kinds"],
            )
            picked = pick(
                [one.scores for one in found],
                self._settings,
                {kind: level for one in found for kind, level in one.thresholds.items()},
            )
            yield Result(task.name, record(found, picked), picked.status, picked.reason)


def record(found: Sequence[FoundRecording], picked: Highlights) -> dict[str, Any]:
    """Return the artifact of a match.

    found: its recordings. Returns `match`, `arms` by recording, `trained_on`, whether what found
    the highlights was trained or chosen on any of them, `kinds`, `thresholds`, `status`,
    `best_score`, `segments`, each with `recording`, `start_ms`, `end_ms`, `score` and `kinds`, and
    the texts of files; that of the metrics only where the events of a recording are known.
    """
    match = found[0].match if found else ""
    spots = sorted(spot for one in found for spot in one.scores.spots)
    texts = {TABLE: table_text(picked), PREDICTIONS: predictions_text(spots, match)}
    known = [one for one in found if one.events is not None]
    if known:
        texts[METRICS] = json.dumps(_metrics(known, picked), indent=2, allow_nan=False) + "\n"
    return {
        "match": match,
        "arms": dict(picked.arms),
        "trained_on": any(one.trained_on for one in found),
        "kinds": list(found[0].kinds) if found else [],
        "thresholds": dict(found[0].thresholds) if found else {},
        "status": picked.status,
        "reason": picked.reason,
        "best_score": picked.best_score,
        "segments": [
            {
                "recording": segment.recording,
                "start_ms": segment.start,
                "end_ms": segment.end,
                "score": segment.score,
                "kinds": sorted({moment.kind for moment in segment.moments}),
            }
            for segment in picked.segments
        ],
        **texts,
    }


def _metrics(known: Sequence[FoundRecording], picked: Highlights) -> dict[str, Any]:
    names = {one.scores.recording for one in known}
    spots = [spot for one in known for spot in one.scores.spots]
    events = [event for one in known for event in one.events or ()]
    kinds = known[0].kinds
    if not {event.kind for event in events} & set(kinds):
        # Loudness tells no kinds apart: only when, not what, can be scored.
        kinds = ()
    segments = [segment for segment in picked.segments if segment.recording in names]
    by_recording = {one.scores.recording: one.file_events for one in known}
    durations = {one.scores.recording: one.scores.duration for one in known}
    untrained = [kind for kind in kinds if kind not in known[0].thresholds]
    spotting = match_metrics(events, spots, kinds, untrained) if kinds else None
    return {
        "recordings": sorted(names),
        "trained_on": any(one.trained_on for one in known),
        "spotting": spotting,
        "any_kind": any_kind_metrics(events, spots),
        "reel": reel_metrics(segments, by_recording, durations),
    }


def any_kind_metrics(events: Sequence[Event], spots: Sequence[Spot]) -> dict[str, Any]:
    """Return the metrics of when something is spotted, whatever it is taken for."""
    return match_metrics(events_of_any_kind(events), spots_of_any_kind(spots), [ANY_KIND])
