"""Predicted events of a match as results_spotting.json, the format of SoccerNet's evaluation."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmuted.dataset.bounded_files import MEGABYTE, describe, entries, read_small_json
from unmuted.dataset.events import HALVES, KINDS, Spot
from unmuted.dataset.labels import checked_label
from unmuted.dataset.match_time import game_time, parse_position
from unmuted.dataset.videos import raise_problems
from unmuted.text import one_line, printable

WHAT = "predictions as SoccerNet's results_spotting.json"
LARGEST_FILE = 100 * MEGABYTE
MOST_SPOTS = 500_000
LONGEST_NUMBER = 40  # characters


@dataclass(frozen=True)
class Predictions:
    """The spots of a file in its order, and how often labels occur that are no kind of the run."""

    spots: tuple[Spot, ...]
    unknown: Mapping[str, int]


def read_predictions(path: Path, kinds: Collection[str] = KINDS) -> Predictions:
    """Read results_spotting.json, in which tools write numbers as such or as text.

    kinds: those that the run knows. Raises UserError listing every entry that is not valid.
    """
    content = read_small_json(path, LARGEST_FILE, WHAT)
    spots, problems = [], []
    unknown: Counter[str] = Counter()
    for number, entry in enumerate(entries(content, "predictions", MOST_SPOTS, path, WHAT), 1):
        try:
            spot = _spot(entry)
        except ValueError as error:
            problems.append(f"prediction {number}: {error}")
            continue
        if spot.kind in kinds:
            spots.append(spot)
        else:
            unknown[one_line(spot.kind)] += 1
    raise_problems(problems, printable(path))
    return Predictions(tuple(spots), dict(unknown))


def predictions_text(spots: Iterable[Spot], game: str) -> str:
    """Return the text of a results_spotting.json, with the spots in the order given.

    game: the folder of the match, "league/season/name".
    """
    predictions = [
        {
            "gameTime": game_time(spot.half, spot.milliseconds),
            "label": spot.kind,
            "position": str(spot.milliseconds),
            "half": str(spot.half),
            "confidence": spot.score,
        }
        for spot in spots
    ]
    content = {"UrlLocal": game, "predictions": predictions}
    return json.dumps(content, indent=4, allow_nan=False) + "\n"


def _spot(entry: Any) -> Spot:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, found {describe(entry)}")
    kind = checked_label(entry.get("label"))
    half = _whole(entry, "half", "1 or 2")
    if half not in HALVES:
        raise ValueError(f"half: expected 1 or 2, found {half}")
    milliseconds = _whole(entry, "position", "whole milliseconds since the start of the half")
    if milliseconds < 0:
        raise ValueError(f"position: expected a time in the half, found {milliseconds}")
    return Spot(half, milliseconds, kind, _confidence(entry))


def _whole(entry: dict[str, Any], key: str, expected: str) -> int:
    value = entry.get(key)
    text = str(value) if type(value) is int and abs(value) < 10**9 else value
    parsed = parse_position(text) if isinstance(text, str) else None
    if parsed is None:
        raise ValueError(
            f"{key}: expected {expected}, found {describe(value) if key in entry else 'none'}"
        )
    return parsed


def _confidence(entry: dict[str, Any]) -> float:
    value = entry.get("confidence")
    score = math.nan
    if isinstance(value, str) and len(value) <= LONGEST_NUMBER and value.isascii():
        try:
            score = float(value)
        except ValueError:
            score = math.nan
    elif isinstance(value, float) or (type(value) is int and abs(value) < 10**9):
        score = float(value)
    if not math.isfinite(score):
        raise ValueError(
            "confidence: expected a finite number, found "
            + (describe(value) if "confidence" in entry else "none")
        )
    return score
