"""What happens in a half, and when: highlights and decoys, one after another."""

from __future__ import annotations

from dataclasses import replace

from unmuted.demo_world.matches.hashes import hashed, share, shuffled, uniform
from unmuted.demo_world.matches.spec import Happening
from unmuted.demo_world.matches.vocabulary import (
    CHANT,
    CLOSE_UP,
    CORNER,
    FOUL,
    KICK_OFF,
    PENALTY,
    REPLAY,
    SHOT,
    SHOTS,
    SIGNS,
    Kind,
)

Names = tuple[object, ...]

# Seconds of the picture before and after the moment, at the usual pace.
SPANS = {
    SHOT: (2.6, 1.8),
    PENALTY: (3.4, 1.8),
    REPLAY: (2.6, 1.8),
    CORNER: (2.6, 1.8),
    FOUL: (1.0, 1.6),
    KICK_OFF: (1.0, 1.5),
    CLOSE_UP: (1.7, 1.9),
    CHANT: (2.6, 0.0),  # nothing is shown, but it is as long quiet before as before a shot
}
LIVE_PACE, REPLAY_PACE = (0.85, 1.25), (0.7, 1.0)  # a replay is slower, on average
DELAY = (0.3, 1.0)  # seconds from the moment to the crowd's answer
FOUL_DELAY = (0.3, 2.4)  # up to that from the whistle before a penalty
ROAR, SHORT_ANSWER = (6.0, 9.0), (4.0, 5.5)  # seconds that it lasts
GAP = 0.8  # seconds between two happenings at least
BUSY = 0.96  # share of a half that happenings may fill
DECIMALS = 3


def schedule(
    name: Names, half: int, has_penalty: bool, seconds: float, world: Kind
) -> list[Happening]:
    """Return what happens in a half, in the order of time.

    name: of the match. As much as finds room is taken, the important first.
    """
    key = (*name, half)
    opening = _happening(KICK_OFF, (*key, KICK_OFF), world)
    room = BUSY * (seconds - _length(opening))
    taken: list[Happening] = []
    for wish in _wishes(name, half, has_penalty, world):
        if room >= sum(map(_length, wish)):
            taken += wish
            room -= sum(map(_length, wish))
    order = [opening, *_replays_last(shuffled(taken, *key, "order"))]
    slack = seconds - sum(map(_length, order))
    weights = [0.2 + share(*key, "gap", index) for index in range(len(order))]
    happenings, start = [], 0.0
    for each, weight in zip(order, weights, strict=True):
        happenings.append(_moved(each, start))
        start += _length(each) + slack * weight / sum(weights)
    return happenings


def _wishes(name: Names, half: int, has_penalty: bool, world: Kind) -> list[list[Happening]]:
    """Return what a half would have, the most important first; some only together.

    The two halves of a match have the kinds of shots in opposite order, so that short ones, which
    have room for two shots, have every kind between them. One shot of a match is not shown.
    """
    key = (*name, half)
    kinds = shuffled(SHOTS, *name, "kinds")[:: 1 if half == 1 else -1]
    kinds.append(SHOTS[hashed(*key, "fourth") % len(SHOTS)])
    is_penalty = has_penalty and hashed(*name, PENALTY) % 2 == half - 1
    unshown = 1 if hashed(*name, "unshown") % 2 == half - 1 else None
    shots = []
    for index, kind in enumerate(kinds):
        what = PENALTY if is_penalty and index == 0 else SHOT
        shot = _happening(what, (*key, SHOT, index), world, kind, index != unshown)
        is_replayed = index != unshown and (index == 0 or share(*key, REPLAY, index) < 0.6)
        shots.append([shot, _replay(shot, (*key, REPLAY, index), world)] if is_replayed else [shot])
    decoys = {
        what: [[_happening(what, (*key, what, index), world)] for index in range(2)]
        for what in (CHANT, CORNER, FOUL, CLOSE_UP)
    }
    first = [decoys[what][0] for what in shuffled(list(decoys), *key, "decoys")]
    second = [decoys[what][1] for what in shuffled(list(decoys), *key, "more decoys")]
    return [*shots[:2], *first[:2], shots[2], *first[2:], *second, shots[3]]


def _happening(
    what: str, key: Names, world: Kind, kind: str | None = None, is_shown: bool = True
) -> Happening:
    """Return something that begins at 0."""
    low, high = REPLAY_PACE if what == REPLAY else LIVE_PACE
    pace = uniform(low, high, *key, "pace")
    before, after = (span / pace for span in SPANS[what if is_shown else CLOSE_UP])
    if not is_shown:  # the event is anywhere in the close-up
        earlier = uniform(-0.9, 0.9, *key, "earlier")
        before, after = before - earlier, after + earlier
    haste = (pace - low) / (high - low)
    lasts = _answer_seconds(what, kind, share(*key, "lasts"))
    soonest, latest = FOUL_DELAY if what == FOUL else DELAY
    return Happening(
        what=what,
        start=0.0,
        moment=before,
        end=before + after,
        kind=kind,
        is_shown=is_shown,
        from_spot=what == PENALTY,
        side=hashed(*key, "side") % 2,
        pace=pace,
        delay=latest - (latest - soonest) * haste if lasts else 0.0,
        lasts=lasts,
        sign=_sign(kind, key) if world.has_signs else None,
        seed=hashed(*key, "seed"),
    )


def _answer_seconds(what: str, kind: str | None, part: float) -> float:
    """Return how long the crowd goes on. part: 0 for the shortest, 1 for the longest."""
    if what in (REPLAY, KICK_OFF, CLOSE_UP):
        return 0.0
    low, high = ROAR if what == CHANT or kind == "Goal" else SHORT_ANSWER
    return low + (high - low) * part


def _sign(kind: str | None, key: Names) -> int | None:
    """Return an advertisement; those of shots on and off target are not the same."""
    number = hashed(*key, "sign") % (SIGNS // 2)
    return {"Shots on target": number, "Shots off target": number + SIGNS // 2}.get(kind or "")


def _replay(shot: Happening, key: Names, world: Kind) -> Happening:
    """Return the replay of a shot: the same side and players at another pace, and no answer."""
    replay = _happening(REPLAY, key, world, shot.kind)
    return replace(replay, side=shot.side, seed=shot.seed, sign=shot.sign, from_spot=shot.from_spot)


def _replays_last(happenings: list[Happening]) -> list[Happening]:
    """Let each replay change places with its shot if it is before it."""
    order = list(happenings)
    for each in happenings:
        if each.what == REPLAY:
            now = order.index(each)
            shot = next(
                place
                for place, other in enumerate(order)
                if other.is_highlight and other.seed == each.seed
            )
            if now < shot:
                order[now], order[shot] = order[shot], order[now]
    return order


def _length(each: Happening) -> float:
    """Return the seconds that something takes, with the crowd's answer and a gap after it."""
    return GAP + max(each.end, each.moment + each.delay + each.lasts)


def _moved(each: Happening, seconds: float) -> Happening:
    times = {
        name: round(getattr(each, name) + seconds, DECIMALS) for name in ("start", "moment", "end")
    }
    return replace(each, **times)
