"""SoccerNet's folders and lists of splits.

A match is a folder `<league>/<season>/<date> - <time> <home> <score> <away>` with a video of each
half and the labels. Splits are not in the names: they are JSON lists {league: {season: [match]}},
which the package SoccerNet contains.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmuted.dataset.bounded_files import MEGABYTE, describe, read_small_json
from unmuted.dataset.events import HALVES
from unmuted.dataset.videos import raise_problems
from unmuted.errors import UserError
from unmuted.text import one_line, printable

# Names of the video of half N, the preferred ones first.
VIDEO_NAMES = ("{half}_720p.mkv", "{half}_224p.mkv", "{half}.mkv", "{half}_HQ.mkv")
LABEL_NAMES = ("Labels-v2.json", "Labels.json")
MOST_GAMES = 100_000
LONGEST_NAME = 200  # characters
WHAT = "a list of SoccerNet's games"


@dataclass(frozen=True)
class Game:
    """A match folder. videos: of the halves that are there. labels: None where there are none."""

    game: str  # league/season/name
    folder: Path
    videos: Mapping[int, Path]
    labels: Path | None


def find_games(root: Path, video_names: Sequence[str] = VIDEO_NAMES) -> list[Game]:
    """Return the games in a folder that holds leagues, in the order of their names.

    video_names: patterns with `{half}`, the preferred ones first. Games without a video are left
    out. Links to folders are not followed. Raises UserError if there is no game at all.
    """
    games = []
    for league in _folders(root):
        for season in _folders(league):
            for folder in _folders(season):
                game = _game(folder, f"{league.name}/{season.name}/{folder.name}", video_names)
                if game.videos:
                    games.append(game)
    if not games:
        names = ", ".join(name.format(half=1) for name in video_names)
        raise UserError(
            f"{printable(root)}: expected games as <league>/<season>/<game>/ with a video such as "
            f"{names}, found none; give the folder that holds the leagues"
        )
    return games


def read_split_list(path: Path) -> list[str]:
    """Return the games of a list, {league: {season: [name]}}, as "league/season/name".

    Raises UserError for a file that is no such list, names that would leave the folder, and games
    that are listed twice.
    """
    content = read_small_json(path, 10 * MEGABYTE, WHAT)
    games: list[str] = []
    problems: list[str] = []
    for place, listed in _seasons(content, problems):
        for name in listed:
            if reason := _bad_name(name):
                problems.append(f"{one_line(place, 100)}: {reason}")
            else:
                games.append(f"{place}/{name}")
    times = Counter(games)
    problems += [f"{one_line(game)} is listed twice" for game in times if times[game] > 1]
    if not games and not problems:
        problems.append("expected at least one game, found none")
    raise_problems(problems, printable(path))
    return games


def split_of_games(lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the split of each game. lists: the games of each split.

    Raises UserError for games in two splits: what a model learnt from cannot test it.
    """
    splits: dict[str, str] = {}
    pairs = [(game, split) for split, games in lists.items() for game in games]
    problems = [
        f"{printable(game)} is in {splits[game]} and in {split}"
        for game, split in pairs
        if splits.setdefault(game, split) != split
    ]
    raise_problems(problems, "matches.splits")
    return splits


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as listed:
            return sorted(
                Path(entry.path)
                for entry in listed
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            )
    except OSError as error:
        raise UserError(
            f"{printable(folder)}: expected a folder of SoccerNet, cannot read it: {error.strerror}"
        ) from error


def _game(folder: Path, game: str, video_names: Sequence[str]) -> Game:
    videos = {}
    for half in HALVES:
        paths = (folder / name.format(half=half) for name in video_names)
        video = next((path for path in paths if path.is_file()), None)
        if video is not None:
            videos[half] = video
    labels = next((folder / name for name in LABEL_NAMES if (folder / name).is_file()), None)
    return Game(game, folder, videos, labels)


def _seasons(content: dict[str, Any], problems: list[str]) -> list[tuple[str, list[Any]]]:
    """Return "league/season" and the list of each, and add what is not so to the problems."""
    seasons = []
    for league, by_season in content.items():
        if reason := _bad_name(league):
            problems.append(f"league: {reason}")
        elif not isinstance(by_season, dict):
            problems.append(f"{one_line(league)}: expected seasons, found {describe(by_season)}")
        else:
            for season, listed in by_season.items():
                if reason := _bad_name(season):
                    problems.append(f"{one_line(league)}: {reason}")
                elif not isinstance(listed, list) or len(listed) > MOST_GAMES:
                    problems.append(
                        f"{one_line(league)}, {one_line(season)}: expected a list of at most "
                        f"{MOST_GAMES:,} games, found {describe(listed)}"
                    )
                else:
                    seasons.append((f"{league}/{season}", listed))
    return seasons


def _bad_name(name: Any) -> str | None:
    """Return what is wrong with the name of a folder, None if it can be one."""
    is_name = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable()
    if not is_name or name.startswith(".") or "/" in name or "\\" in name:
        return (
            f"expected the name of a folder, of at most {LONGEST_NAME} printable characters and "
            f"without slashes, found {describe(name)}"
        )
    return None
