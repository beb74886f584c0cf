"""SoccerNet's labels of a match: Labels-v2.json, and Labels.json of its first version.

Times count from the start of each half's video, not of the match clock: `position` in milliseconds,
as text, and `gameTime` as half, minutes and seconds. The first version has no `position`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from unmuted.dataset.bounded_files import describe, entries, read_small_json
from unmuted.dataset.events import KINDS, Event
from unmuted.dataset.labels import (
    LARGEST_FILE,
    MOST_ENTRIES,
    Labels,
    UnknownKind,
    checked_label,
    collect_labels,
)
from unmuted.dataset.match_time import game_time, parse_game_time, parse_position

WHAT = "SoccerNet's labels of a match"
VISIBILITIES = {"visible": True, "not shown": False}
FIRST_VERSION = {  # its labels, and the kinds of the second version that they are
    "soccer-ball": "Goal",
    "soccer-ball-own": "Goal",
    "substitution-in": "Substitution",
    "y-card": "Yellow card",
    "r-card": "Red card",
    "yr-card": "Yellow->red card",
}
UNIT_SLIP = 2_000  # milliseconds by which gameTime and position may differ


def read_soccernet_labels(path: Path, kinds: Collection[str] = KINDS) -> Labels:
    """Read Labels-v2.json, or Labels.json with the kinds of the second version.

    kinds: those that the run knows; entries with other labels are counted. Raises UserError listing
    every entry that is not valid, with what was expected and what was found.
    """
    content = read_small_json(path, LARGEST_FILE, WHAT)
    listed = entries(content, "annotations", MOST_ENTRIES, path, WHAT)
    notes: list[str] = []
    return collect_labels(path, _with_notes(listed, kinds, notes), notes)


def labels_text(events: Iterable[Event], game: str) -> str:
    """Return the text of a Labels-v2.json, with the events in the order given.

    game: the folder of the match, "league/season/name". Teams are not known.
    """
    annotations = [
        {
            "gameTime": game_time(event.half, event.milliseconds),
            "label": event.kind,
            "position": str(event.milliseconds),
            "team": "not applicable",
            "visibility": "visible" if event.is_shown else "not shown",
        }
        for event in events
    ]
    return json.dumps({"UrlLocal": game, "annotations": annotations}, indent=4) + "\n"


def _with_notes(
    listed: list[Any], kinds: Collection[str], notes: list[str]
) -> Iterator[tuple[str, Any]]:
    """Give each entry's name and event, and then add notes on the times of all of them."""
    for number, entry in enumerate(listed, 1):
        yield f"annotation {number}", partial(_event, entry, kinds)
    known = [entry for entry in listed if isinstance(entry, dict)]
    rough = sum("position" not in entry for entry in known)
    if rough:
        notes.append(f"{rough} entries have no position: their times are gameTime's whole seconds")
    apart = sum(_contradicts_itself(entry) for entry in known)
    if apart:
        notes.append(
            f"{apart} entries have a position that differs from gameTime by more than "
            f"{UNIT_SLIP // 1000} s; position is read, as milliseconds in the video of the half"
        )


def _event(entry: Any, kinds: Collection[str]) -> Event:
    """Return the event of an annotation. Raises UnknownKind and ValueError."""
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, found {describe(entry)}")
    label = checked_label(entry.get("label"))
    kind = label if label in kinds else FIRST_VERSION.get(label, label)
    if kind not in kinds:
        raise UnknownKind(label)
    half, rough = _game_time(entry)
    exact = _position(entry)
    visibility = entry.get("visibility", "visible")
    if not isinstance(visibility, str) or visibility not in VISIBILITIES:
        raise ValueError(
            f"visibility: expected {' or '.join(map(repr, VISIBILITIES))}, "
            f"found {describe(visibility)}"
        )
    return Event(half, rough if exact is None else exact, kind, VISIBILITIES[visibility])


def _game_time(entry: dict[str, Any]) -> tuple[int, int]:
    text = entry.get("gameTime")
    parsed = parse_game_time(text) if isinstance(text, str) else None
    if parsed is None:
        raise ValueError(
            "gameTime: expected half, minutes and seconds such as '1 - 05:29', found "
            + (describe(text) if "gameTime" in entry else "none")
        )
    return parsed


def _position(entry: dict[str, Any]) -> int | None:
    """Return the milliseconds, None if the entry gives no position."""
    if "position" not in entry:
        return None
    text = entry["position"]
    parsed = parse_position(text) if isinstance(text, str) else None
    if parsed is None:
        raise ValueError(
            "position: expected whole milliseconds as text, such as '329000', "
            f"found {describe(text)}; a bare number could also be seconds"
        )
    return parsed


def _contradicts_itself(entry: dict[str, Any]) -> bool:
    """Return whether the two times differ, as they do if position holds seconds."""
    time, position = entry.get("gameTime"), entry.get("position")
    if not isinstance(time, str) or not isinstance(position, str):
        return False
    rough, exact = parse_game_time(time), parse_position(position)
    return rough is not None and exact is not None and abs(rough[1] - exact) > UNIT_SLIP
