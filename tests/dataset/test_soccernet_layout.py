"""SoccerNet's folders and lists of splits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unmuted.dataset.soccernet_layout import (
    find_games,
    read_split_list,
    split_of_games,
)
from unmuted.errors import UserError

NAME = "2015-02-21 - 18-00 Chelsea 1 - 1 Burnley"


def test_finds_games_with_the_preferred_video_of_each_half(tmp_path: Path) -> None:
    for place in (
        f"england_epl/2014-2015/{NAME}/1_224p.mkv",
        f"england_epl/2014-2015/{NAME}/1_720p.mkv",
        f"england_epl/2014-2015/{NAME}/2.mkv",
        f"england_epl/2014-2015/{NAME}/Labels-v2.json",
        f"england_epl/2014-2015/{NAME}/Labels.json",
        "england_epl/2014-2015/b/2_224p.mkv",
        "england_epl/2014-2015/labels only/Labels-v2.json",
        "england_epl/2014-2015/.cache/1_224p.mkv",
        "england_epl/note.txt",
    ):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "linked").symlink_to(tmp_path / "england_epl")
    first, second = find_games(tmp_path)
    assert first.game == f"england_epl/2014-2015/{NAME}"
    assert {half: path.name for half, path in first.videos.items()} == {1: "1_720p.mkv", 2: "2.mkv"}
    assert first.labels == first.folder / "Labels-v2.json"
    assert list(second.videos) == [2]
    assert second.labels is None
    (small, _) = find_games(tmp_path, ["{half}_224p.mkv"])
    assert {half: path.name for half, path in small.videos.items()} == {1: "1_224p.mkv"}


def test_says_what_it_expected_where_there_is_no_game(tmp_path: Path) -> None:
    (tmp_path / "1_224p.mkv").touch()
    with pytest.raises(UserError, match=r"<league>/<season>/<game>/ .* found none"):
        find_games(tmp_path)
    with pytest.raises(UserError, match="No such file"):
        find_games(tmp_path / "nowhere")


def write(folder: Path, content: object) -> Path:
    path = folder / "SoccerNetGamesTest.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_reads_a_list_of_games(tmp_path: Path) -> None:
    path = write(tmp_path, {"england_epl": {"2014-2015": [NAME], "2015-2016": []}})
    assert read_split_list(path) == [f"england_epl/2014-2015/{NAME}"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "a JSON object, found a list"),
        ({}, "expected at least one game"),
        ({"l": []}, "l: expected seasons, found a list"),
        ({"l": {"s": NAME}}, "l, s: expected a list"),
        ({"l": {"s": [3]}}, "l/s: expected the name of a folder"),
        ({"l": {"s": ["../../etc"]}}, "l/s: expected the name of a folder"),
        ({"l": {"..": [NAME]}}, "l: expected the name of a folder"),
        ({"a/b": {"s": [NAME]}}, "league: expected the name of a folder"),
        ({"l": {"s": ["x" * 201]}}, "at most 200 printable characters"),
        ({"l": {"s": ["a\nb"]}}, "at most 200 printable characters"),
        ({"l": {"s": [NAME, NAME]}}, f"l/s/{NAME} is listed twice"),
    ],
)
def test_refuses_other_lists(tmp_path: Path, content: object, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        read_split_list(write(tmp_path, content))
    assert expected in str(caught.value)


def test_a_game_in_two_splits_is_refused() -> None:
    assert split_of_games({"train": ["a"], "test": ["b"]}) == {"a": "train", "b": "test"}
    with pytest.raises(UserError, match="a is in train and in test"):
        split_of_games({"train": ["a", "b"], "test": ["a"]})
