"""Tables of one match: what was found in it, what its reel shows, and its labelled events."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from typing import Any

from unmuted.site.sections import Cell, Table
from unmuted.systems.highlights.picking import covers
from unmuted.systems.highlights.reel_stages import METRICS, TABLE

Picked = Mapping[str, Any]  # the artifact of `match_highlights`


def moments_table(picked: Picked, unit: str, name: str) -> Table:
    """Return the moments that were found, as highlights.csv has them; name: of the CSV file."""
    lines = [line for line in picked[TABLE].splitlines() if not line.startswith("#")]
    head, *rows = csv.reader(lines)
    return Table(head, rows, f"Moments of {unit}", name)


def segments_table(picked: Picked, unit: str, name: str) -> Table:
    """Return what the reel shows, in its order; name: of the CSV file."""
    rows: list[Sequence[Cell]] = []
    begins = 0.0
    for one in picked["segments"]:
        start, end = one["start_ms"] / 1000, one["end_ms"] / 1000
        kinds = ", ".join(one["kinds"])
        rows.append((one["recording"], start, end, begins, kinds, one["score"]))
        begins += end - start
    columns = ("recording", "begins (s)", "ends (s)", "in the reel at (s)", "kinds", "score")
    return Table(columns, rows, f"Segments of the reel of {unit}", name)


def events_table(
    recordings: Mapping[str, Mapping[str, Any]], picked: Picked | None, unit: str, name: str
) -> Table | None:
    """Return the labelled events, and which of them a segment shows; None without labels.

    recordings: artifacts of `events` by recording. picked: None where nothing was picked.
    """
    known = {one: events for one, events in recordings.items() if events["has_labels"]}
    if not known:
        return None
    rows: list[Sequence[Cell]] = [
        (
            *(recording, event["half"], event["file_milliseconds"] / 1000, event["kind"]),
            *(
                event["is_shown"],
                _is_in_reel(event, recording, round(1000 * events["seconds"]), picked),
            ),
        )
        for recording, events in known.items()
        for event in events["events"]
    ]
    columns = ("recording", "half", "time (s)", "event", "shown by the broadcast", "in the reel")
    return Table(columns, rows, f"Labelled events of {unit}", name)


def scored(picked: Picked) -> tuple[Cell, Cell, Cell]:
    """Return status of a match, number of shown events, and percent of them in its reel."""
    status = picked.get("status")
    if METRICS not in picked:
        return (status, None, None)
    found = json.loads(picked[METRICS])["reel"]
    events = found["shown_events"]
    recall = 100 * found["shown_events_in_reel"] / events if events else None
    return (status, events, recall)


def _is_in_reel(
    event: Mapping[str, Any], recording: str, duration: int, picked: Picked | None
) -> bool | None:
    """Return whether a segment shows an event, as the metrics of the reel count it.

    duration: of the recording, in milliseconds.
    """
    if picked is None:
        return None
    return any(
        segment["recording"] == recording
        and covers(segment["start_ms"], segment["end_ms"], event["file_milliseconds"], duration)
        for segment in picked["segments"]
    )
