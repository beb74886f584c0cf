"""The demo's matches in SoccerNet's layout, read by what reads SoccerNet's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from unmuted.dataset.soccernet_labels import labels_text, read_soccernet_labels
from unmuted.dataset.soccernet_layout import (
    find_games,
    read_split_list,
    split_of_games,
)
from unmuted.demo_world.matches import layout
from unmuted.demo_world.matches.layout import write_games
from unmuted.demo_world.matches.plan import plan_matches
from unmuted.demo_world.matches.spec import events_of
from unmuted.demo_world.matches.vocabulary import KINDS


def test_games_labels_and_splits_are_read_back(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(layout, "render_recording", draw_nothing)
    world = plan_matches(6, (40, 45), 7, "positive")
    write_games(world, tmp_path, labels_text)
    games = {game.game: game for game in find_games(tmp_path / "games")}
    assert set(games) == {spec.game for spec in world} and len(games) == 6
    lists = {
        split: read_split_list(tmp_path / "splits" / f"{split}.json")
        for split in ("train", "val", "test")
    }
    splits = split_of_games(lists)
    assert splits == {spec.game: spec.split for spec in world if spec.split}
    for game in games.values():
        halves = [spec for spec in world if spec.game == game.game]
        assert set(game.videos) == {1, 2}
        assert (game.labels is not None) == halves[0].is_labelled
        if game.labels is None:
            continue
        labels = read_soccernet_labels(game.labels, KINDS)
        planned = sorted(event for spec in halves for event in events_of(spec))
        read = [(e.half, e.milliseconds, e.kind, e.is_shown) for e in labels.events]
        assert read == [(e.half, e.milliseconds, e.kind, e.is_shown) for e in planned]
        assert not labels.rejected
        assert set(labels.unknown) <= {"Corner", "Foul", "Kick-off"} and labels.unknown
        inside = labels.within({spec.half: spec.seconds for spec in halves})
        assert inside.events == labels.events


def test_labels_are_written_in_soccernets_very_format(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(layout, "render_recording", draw_nothing)
    world = plan_matches(1, (40, 45), 7)
    write_games(world, tmp_path, labels_text)
    content = json.loads((tmp_path / "games" / world[0].game / "Labels-v2.json").read_text())
    assert content["UrlLocal"] == world[0].game
    hidden = [entry for entry in content["annotations"] if entry["visibility"] == "not shown"]
    assert len(hidden) == 1
    for entry in content["annotations"]:
        half, clock = entry["gameTime"].split(" - ")
        minutes, seconds = map(int, clock.split(":"))
        assert half in "12"
        assert 60 * minutes + seconds == int(entry["position"]) // 1000
        assert isinstance(entry["position"], str)


def test_videos_are_where_soccernet_has_them(tmp_path: Path) -> None:
    [first, second] = [replace(s, seconds=3.0, damage=None) for s in plan_matches(1, (40, 45), 7)]
    write_games([first, replace(second, sound_from=1.0)], tmp_path, labels_text)
    [game] = find_games(tmp_path / "games")
    assert [path.name for path in game.videos.values()] == ["1_224p.mkv", "2_224p.mkv"]
    assert all(path.read_bytes()[:4] == b"\x1aE\xdf\xa3" for path in game.videos.values())


def draw_nothing(_spec: object, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
