"""Times of a match in text: SoccerNet's gameTime and positions, clock times and seconds."""

from __future__ import annotations

import re
from decimal import Decimal

_GAME_TIME = re.compile(r"\s*([0-9])\s*-\s*([0-9]{1,3}):([0-5][0-9])\s*", re.ASCII)
_POSITION = re.compile(r"\s*(-?[0-9]{1,9})\s*", re.ASCII)
_SECONDS = re.compile(r"\s*(-?[0-9]{1,6}(?:\.[0-9]{1,9})?)\s*", re.ASCII)
_CLOCK = re.compile(
    r"\s*(?:([0-9]{1,2}):(?=[0-5]?[0-9]:))?([0-9]{1,3}):([0-5][0-9](?:\.[0-9]{1,9})?)\s*", re.ASCII
)


def parse_game_time(text: str) -> tuple[int, int] | None:
    """Return the half and the milliseconds in it of a text such as "1 - 05:29", None for others."""
    match = _GAME_TIME.fullmatch(text)
    if match is None:
        return None
    half, minutes, seconds = map(int, match.groups())
    return half, 1000 * (60 * minutes + seconds)


def game_time(half: int, milliseconds: int) -> str:
    """Return SoccerNet's text for a time, to the second below."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{half} - {minutes:02d}:{seconds:02d}"


def parse_position(text: str) -> int | None:
    """Return the milliseconds of a whole number in text, None for anything else."""
    match = _POSITION.fullmatch(text)
    return int(match[1]) if match else None


def parse_time(text: str) -> int | None:
    """Return the milliseconds of "75.2", "1:15.2" or "0:01:15.2", None for anything else."""
    if match := _SECONDS.fullmatch(text):
        return _milliseconds(match[1])
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match.groups()
        return 60_000 * (60 * int(hours or 0) + int(minutes)) + _milliseconds(seconds)
    return None


def time_text(milliseconds: int) -> str:
    """Return seconds as text without loss, which `parse_time` reads back."""
    return f"{Decimal(milliseconds) / 1000:f}"


def _milliseconds(seconds: str) -> int:
    return int((Decimal(seconds) * 1000).to_integral_value())
