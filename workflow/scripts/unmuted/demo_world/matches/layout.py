"""The demo's matches as SoccerNet publishes its own: folders, labels, and lists of splits."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from unmuted.demo_world.matches.encode import render_recording
from unmuted.demo_world.matches.spec import (
    RecordingSpec,
    events_of,
    other_events_of,
)

GAMES, SPLITS = "games", "splits"
VIDEO, LABELS = "{half}_224p.mkv", "Labels-v2.json"

# What makes the text of a Labels-v2.json of the events and the game's name.
LabelsText = Callable[..., str]


def write_games(specs: Sequence[RecordingSpec], folder: Path, labels_text: LabelsText) -> None:
    """Write recordings, labels and lists of splits.

    The videos are `games/<league>/<season>/<game>/<half>_224p.mkv`, each game with a Labels-v2.json
    unless it has no labels; the lists are `splits/<split>.json`. Files that exist are replaced.
    """
    games: dict[str, list[RecordingSpec]] = defaultdict(list)
    for spec in specs:
        games[spec.game].append(spec)
    for game, halves in games.items():
        for spec in halves:
            render_recording(spec, folder / GAMES / game / VIDEO.format(half=spec.half))
        if halves[0].is_labelled:
            events = sorted(e for spec in halves for e in events_of(spec) + other_events_of(spec))
            path = folder / GAMES / game / LABELS
            path.write_text(labels_text(events, game), encoding="utf-8")
    (folder / SPLITS).mkdir(parents=True, exist_ok=True)
    for split, content in split_lists(specs).items():
        text = json.dumps(content, indent=4) + "\n"
        (folder / SPLITS / f"{split}.json").write_text(text, encoding="utf-8")


def split_lists(specs: Iterable[RecordingSpec]) -> Mapping[str, dict[str, dict[str, list[str]]]]:
    """Return {league: {season: [game]}} of each split; matches without a split are in none."""
    lists: dict[str, dict[str, dict[str, list[str]]]] = {}
    for spec in specs:
        if spec.split is None:
            continue
        league, season, name = spec.game.split("/")
        listed = lists.setdefault(spec.split, {}).setdefault(league, {}).setdefault(season, [])
        if name not in listed:
            listed.append(name)
    return lists
