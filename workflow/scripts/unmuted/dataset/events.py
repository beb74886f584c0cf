"""Events that people labelled in a match, and spots, which are events that a system predicts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HALVES = (1, 2)
# The classes of SoccerNet-v2, in the order of its indexes.
KINDS = (
    *("Penalty", "Kick-off", "Goal", "Substitution", "Offside", "Shots on target"),
    *("Shots off target", "Clearance", "Ball out of play", "Throw-in", "Foul"),
    *("Indirect free-kick", "Direct free-kick", "Corner", "Yellow card", "Red card"),
    "Yellow->red card",
)
ANY_KIND = "any kind"


@dataclass(frozen=True, order=True, slots=True)
class Event:
    """A labelled event.

    half: 1 or 2. milliseconds: since the start of the half's video, not of the match clock.
    is_shown: whether the broadcast shows it.
    """

    half: int
    milliseconds: int
    kind: str
    is_shown: bool = True


@dataclass(frozen=True, order=True, slots=True)
class Spot:
    """A predicted event, timed as an Event is. score: higher is more certain, at best in [0, 1]."""

    half: int
    milliseconds: int
    kind: str
    score: float


def events_of_any_kind(events: Iterable[Event]) -> list[Event]:
    """Return the events with one kind for all of them, to score when but not what."""
    return [Event(event.half, event.milliseconds, ANY_KIND, event.is_shown) for event in events]


def spots_of_any_kind(spots: Iterable[Spot]) -> list[Spot]:
    """Return the spots with one kind for all of them; of those at the same time, the best one."""
    best: dict[tuple[int, int], float] = {}
    for spot in spots:
        moment = spot.half, spot.milliseconds
        best[moment] = max(spot.score, best.get(moment, spot.score))
    return [Spot(*moment, ANY_KIND, score) for moment, score in sorted(best.items())]
