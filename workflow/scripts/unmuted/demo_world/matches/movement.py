"""Where the camera, the ball and the players are at each moment of a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.demo_world.matches.spec import Happening, RecordingSpec
from unmuted.demo_world.matches.vocabulary import (
    CHANT,
    CLOSE_UP,
    CORNER,
    FOUL,
    KICK_OFF,
    PENALTY,
    REPLAY,
    SHOT,
)

# The pitch seen from the side, in pixels of the widest view; y grows downwards.
PITCH_LENGTH, TOUCH_LINE, NEAR_LINE = 560.0, 40.0, 106.0
GOAL_LINE = 36.0  # of the left goal; the right one is its mirror image
STRIKE = (GOAL_LINE + 58.0, 80.0)
GOAL_MOUTH = (GOAL_LINE + 1.0, 58.0)
CORNER_FLAG = (GOAL_LINE + 4.0, 102.0)
FLIGHT_SECONDS = 0.35  # of the ball to the goal, at the usual pace
PLAYERS = 11
WIPE_SECONDS = 0.6
ATTACKS = (SHOT, PENALTY, REPLAY, CORNER)
# How likely either end is wiped: a wipe alone does not tell a replay.
WIPED = {REPLAY: 1.0, SHOT: 0.75, PENALTY: 0.75, CLOSE_UP: 0.5, CORNER: 0.3}


@dataclass(frozen=True)
class Movement:
    """Of N frames: what is on (an index of `happenings`, -1 for play) and where everything is.

    camera: (N, 3), the centre x and y and the zoom. ball: (N, 2). players: (N, 22, 2), their feet,
    the home team first. flight: (N,), the part of its way to the goal that the ball has done, 0 to
    1, or 2 once it lies there. wipe: (N,), the part of a wipe that is done, -1 without one.
    """

    happenings: list[Happening]
    active: np.ndarray
    camera: np.ndarray
    ball: np.ndarray
    players: np.ndarray
    flight: np.ndarray
    wipe: np.ndarray


def move(spec: RecordingSpec, times: np.ndarray) -> Movement:
    """Return all movement of a recording. times: seconds of the frames, (N,) float64, rising."""
    happenings = [each for each in spec.visible if each.what != CHANT]
    movement = _play(spec, happenings, times)
    for index, each in enumerate(happenings):
        first, end = np.searchsorted(times, (each.start, each.end))
        shown = slice(int(first), int(end))
        if first == end:
            continue
        movement.active[shown] = index
        if each.what == CLOSE_UP or not each.is_shown:
            continue
        if each.what in ATTACKS:
            _attack(movement, shown, each, times[shown])
        elif each.what == KICK_OFF:
            _kick_off(movement, shown, times[shown] - each.moment)
        elif each.what == FOUL:
            movement.camera[shown, 2] = 1.35
    for each in happenings:
        _wipes(movement.wipe, each, times)
    return movement


def is_attack(each: Happening) -> bool:
    """Return whether the picture shows a shot, live or again."""
    return each.is_shown and each.what in (SHOT, PENALTY, REPLAY)


def _play(spec: RecordingSpec, happenings: list[Happening], times: np.ndarray) -> Movement:
    """Return movement in which nothing but ordinary play goes on."""
    rng = np.random.default_rng([spec.seed, 1])
    phase = rng.uniform(0, 2 * np.pi, 5)
    slow, fast, across = rng.uniform((14, 5, 4), (20, 7, 6))
    ball = np.stack(
        [
            280
            + 95 * np.sin(2 * np.pi * times / slow + phase[0])
            + 40 * np.sin(2 * np.pi * times / fast + phase[1]),
            74 + 22 * np.sin(2 * np.pi * times / across + phase[2]),
        ],
        axis=1,
    )
    places = rng.uniform((-105, TOUCH_LINE + 6), (105, NEAR_LINE - 2), (2 * PLAYERS, 2))
    sway = rng.uniform(3, 9, (2 * PLAYERS, 2))
    turns = rng.uniform(0.15, 0.4, (2 * PLAYERS, 2)) * times[:, None, None]
    players = places + sway * np.sin(2 * np.pi * turns + rng.uniform(0, 6, (2 * PLAYERS, 2)))
    players[..., 0] += ball[:, None, 0]
    count = len(times)
    camera = np.stack([ball[:, 0], np.full(count, 54.0), np.ones(count)], axis=1)
    active = np.full(count, -1)
    return Movement(
        happenings, active, camera, ball, players, np.zeros(count), np.full(count, -1.0)
    )


def _attack(movement: Movement, shown: slice, each: Happening, times: np.ndarray) -> None:
    """Let the ball come to one end, and fly from there: to the goal, or from the corner."""
    rng = np.random.default_rng([each.seed, 2])
    strike = np.array(STRIKE) + rng.uniform((-14, -12), (8, 8))
    start = strike + rng.uniform((55, -18), (110, 14))
    target = np.array(GOAL_MOUTH) + rng.uniform((0, -8), (0, 8))
    zoom, close = 1.75, 1.0
    if each.what == CORNER:
        start = strike = np.array(CORNER_FLAG)
        target = np.array(STRIKE) - (6, 14)
        zoom = 1.3
    if each.from_spot:
        start, zoom, close = strike, 1.95, 0.0
    approach = _smooth((times - each.start) / (each.moment - each.start))[:, None]
    flight = np.clip((times - each.moment) * each.pace / FLIGHT_SECONDS, 0, 1)
    ball = start + (strike - start) * approach + (target - strike) * flight[:, None]
    if each.what == CORNER:
        ball[:, 1] -= 40 * flight * (1 - flight)
    begin = np.array([start[0], 54.0, 1.0 + 0.35 * (1 - close)])
    aim = np.array([GOAL_LINE + 30, 62.0, zoom])
    camera = begin + (aim - begin) * approach
    players = _around(rng, strike, len(times), times, alone=close == 0.0)
    players[:, 0] = strike + (start - strike) * (1 - approach) + (5, 3)
    if each.side == 1:
        for points in (ball, camera, players):
            points[..., 0] = PITCH_LENGTH - points[..., 0]
    movement.ball[shown], movement.camera[shown] = ball, camera
    movement.players[shown] = players
    movement.flight[shown] = np.where(flight == 1, 2, flight)


def _around(
    rng: np.random.Generator, strike: np.ndarray, count: int, times: np.ndarray, alone: bool
) -> np.ndarray:
    """Return players near the goal, (count, 22, 2); all but the first away if it is alone."""
    places = strike + rng.uniform((-30, -24), (95, 22), (2 * PLAYERS, 2))
    places[:, 1] = np.clip(places[:, 1], TOUCH_LINE + 8, NEAR_LINE)
    if alone:
        places[:, 0] += 140
    sway = 4 * np.sin(2 * np.pi * 0.4 * times[:, None] + rng.uniform(0, 6, 2 * PLAYERS))
    players = np.repeat(places[None], count, axis=0)
    players[..., 0] += sway
    return players


def _kick_off(movement: Movement, shown: slice, since: np.ndarray) -> None:
    """Show both teams on their sides of the centre spot, and the ball on it."""
    middle = PITCH_LENGTH / 2
    side = np.where(np.arange(2 * PLAYERS) < PLAYERS, -1, 1)
    away = 8 + np.abs(movement.players[shown, :, 0] - movement.ball[shown, 0][:, None])
    movement.players[shown, :, 0] = middle + side * away
    movement.ball[shown] = middle, 74
    movement.ball[shown, 0] += 12 * np.maximum(since, 0)
    movement.camera[shown] = middle, 54, 1


def _wipes(wipe: np.ndarray, each: Happening, times: np.ndarray) -> None:
    """Put wipes at both ends of replays, and at either end of some of what is live."""
    chance = WIPED.get(each.what, 0.0)
    drawn = np.random.default_rng([each.seed, 3]).random(2)  # a replay's are always below 1
    for middle, number in zip((each.start, each.end), drawn, strict=True):
        if number < chance:
            part = (times - middle) / WIPE_SECONDS + 0.5
            wipe[(part >= 0) & (part < 1)] = part[(part >= 0) & (part < 1)]


def _smooth(part: np.ndarray) -> np.ndarray:
    clipped = np.clip(part, 0, 1)
    return clipped**2 * (3 - 2 * clipped)
