"""How a match looks: a panning view of a pitch with players, close-ups and wipes."""

from __future__ import annotations

import colorsys
from collections.abc import Iterator

import cv2
import numpy as np

from unmuted.demo_world.matches.movement import (
    GOAL_LINE,
    PITCH_LENGTH,
    PLAYERS,
    TOUCH_LINE,
    Movement,
    is_attack,
    move,
)
from unmuted.demo_world.matches.spec import Happening, RecordingSpec
from unmuted.demo_world.matches.vocabulary import CLOSE_UP, FOUL
from unmuted.media.opencv import single_thread

WIDTH, HEIGHT = 192, 108
Colour = tuple[float, float, float]

MARGIN = 60  # pixels of the stadium beyond what views show
GOAL_DEPTH, GOAL_TOP, GOAL_FOOT = 26, 38, 82  # of the goal's frame, in pixels
WHITE, LOGO, REFEREE = (244, 244, 240), (250, 120, 20), (24, 24, 26)
BOARD = (0, 58), (WIDTH - 1, HEIGHT - 1)  # corners of the advertisement in the picture
# Of the advertisements, those for shots on target first. Like colours have unlike meanings, so that
# few examples do not tell them.
ADVERTISED: tuple[Colour, ...] = (
    *((206, 32, 38), (136, 44, 164), (238, 238, 232), (80, 206, 222)),
    *((244, 128, 26), (34, 70, 200), (240, 204, 36), (20, 20, 24)),
)
SIGN_SECONDS = (0.6, 1.4)  # before and after a shot


def draw_frames(spec: RecordingSpec, times: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pictures at the times (N,) in seconds, each (108, 192, 3) uint8 RGB."""
    with single_thread():
        painter = _Painter(spec, move(spec, times), times)
        for index in range(len(times)):
            yield painter.frame(index)


class _Painter:
    def __init__(self, spec: RecordingSpec, movement: Movement, times: np.ndarray) -> None:
        self.movement, self.times = movement, times
        rng = np.random.default_rng([spec.look_seed, 4])
        home, away = spec.team_hues
        self.shirts = _colour(home, 0.85, 0.85), _colour(away, 0.45, 0.98)
        self.stadium = _draw_stadium(rng)
        self.faces = [
            _draw_close_up(rng, shirt, self.stadium) for shirt in self.shirts for _ in range(2)
        ]

    def frame(self, index: int) -> np.ndarray:
        """Return the picture number `index`."""
        active = int(self.movement.active[index])
        happening = self.movement.happenings[active] if active >= 0 else None
        if happening and (happening.what == CLOSE_UP or not happening.is_shown):
            picture = self._close_up(happening, self.times[index])
        else:
            picture = self._view(index, happening)
        part = self.movement.wipe[index]
        if part >= 0:
            middle = round((WIDTH + 140) * part) - 70
            cv2.rectangle(picture, (middle - 60, 0), (middle + 60, HEIGHT), LOGO, -1)
            cv2.rectangle(picture, (middle - 14, 30), (middle + 14, 78), WHITE, -1)
        return picture

    def _close_up(self, happening: Happening, time: float) -> np.ndarray:
        face = self.faces[happening.seed % len(self.faces)]
        sway = 3 * np.sin(2 * np.pi * 0.5 * time + happening.seed % 7)
        return cv2.warpAffine(face, np.array([[1, 0, sway - 8], [0, 1, -4.0]]), (WIDTH, HEIGHT))

    def _view(self, index: int, happening: Happening | None) -> np.ndarray:
        movement = self.movement
        x, y, zoom = movement.camera[index]
        x = np.clip(x, WIDTH / 2 / zoom - 20, PITCH_LENGTH + 20 - WIDTH / 2 / zoom)
        y = np.clip(y, 54 / zoom, HEIGHT - 54 / zoom)
        offset = np.array([WIDTH / 2 - x * zoom, HEIGHT / 2 - y * zoom])
        shift = np.array([[zoom, 0, offset[0] - MARGIN * zoom], [0, zoom, offset[1]]])
        picture = cv2.warpAffine(self.stadium, shift, (WIDTH, HEIGHT))
        if happening and is_attack(happening):
            self._goal(picture, happening, index, zoom, offset)
        feet = movement.players[index] * zoom + offset
        for team, shirt in enumerate(self.shirts):
            _figures(picture, feet[team * PLAYERS : (team + 1) * PLAYERS], zoom, shirt)
        if happening and happening.what == FOUL:
            _figures(picture, np.array([[96.0, 84.0]]), 3.2, REFEREE)
        if movement.flight[index] <= 1:
            ball = movement.ball[index] * zoom + offset
            centre = round(float(ball[0])), round(float(ball[1]))
            cv2.circle(picture, centre, round(2.2 * zoom), WHITE, -1)
        if happening and happening.sign is not None:
            since = self.times[index] - happening.moment
            if -SIGN_SECONDS[0] <= since < SIGN_SECONDS[1]:
                cv2.rectangle(picture, *BOARD, ADVERTISED[happening.sign], -1)
        return picture

    def _goal(
        self, picture: np.ndarray, shot: Happening, index: int, zoom: float, offset: np.ndarray
    ) -> None:
        """Draw what changes at the goal: the keeper and the net."""
        flight = self.movement.flight[index]

        def box(left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
            sides = np.array([left, right])
            if shot.side == 1:
                sides = PITCH_LENGTH - sides
            across = np.sort(np.round(sides * zoom + offset[0]).astype(int))
            down = np.round(np.array([top, bottom]) * zoom + offset[1]).astype(int)
            cv2.rectangle(
                picture, (across[0], down[0]), (across[1], down[1]), colour, cv2.FILLED
            )  # fmt: skip

        if flight == 2 and shot.kind == "Goal":
            box(GOAL_LINE - GOAL_DEPTH - 6, GOAL_TOP + 4, GOAL_LINE - 2, GOAL_FOOT, WHITE)
        x = GOAL_LINE + 6
        if flight > 0.3:
            box(x - 6, 60, x + 16, 68, (230, 220, 30))
        else:
            box(x - 3, 58, x + 4, 80, (230, 220, 30))


def _figures(picture: np.ndarray, feet: np.ndarray, zoom: float, shirt: Colour) -> None:
    """Draw players as upright boxes on dark legs. feet: (n, 2), in pixels of the picture."""
    seen = (feet[:, 0] > -9) & (feet[:, 0] < WIDTH + 9)
    corners = np.array([[-2.2, -4], [2.2, -4], [2.2, -10], [-2.2, -10]]) * zoom
    legs = np.array([[-1.6, 0], [1.6, 0], [1.6, -4], [-1.6, -4]]) * zoom
    for shape, colour in ((legs, (36, 34, 40)), (corners, shirt)):
        boxes = np.round(feet[seen, None] + shape).astype(np.int32)
        cv2.fillPoly(picture, list(boxes), colour)


def _draw_stadium(rng: np.random.Generator) -> np.ndarray:
    """Return the pitch with goals and stands, (108, 560 + 2 * MARGIN, 3) uint8."""
    width = round(PITCH_LENGTH) + 2 * MARGIN
    picture = np.empty((HEIGHT, width, 3), np.uint8)
    crowd = _colour(rng.random(), 0.4, 0.6)
    speckles = rng.normal(0, 14, (HEIGHT // 3, width // 3 + 1, 3)).repeat(3, 0).repeat(3, 1)
    picture[:] = np.clip(np.array(crowd) + speckles[:HEIGHT, :width], 0, 255)
    top = round(TOUCH_LINE)
    picture[top - 7 : top - 1] = _colour(rng.random(), 0.7, 0.8)
    stripe = rng.integers(24, 40)
    grass = np.array(_colour(rng.uniform(0.27, 0.36), rng.uniform(0.55, 0.8), 0.55))
    bands = (np.arange(width) // stripe % 2)[:, None] * 0.14 + 0.93
    picture[top:] = np.clip(bands * grass, 0, 255)
    middle = width // 2
    cv2.line(picture, (0, top + 1), (width, top + 1), WHITE, 1)
    cv2.line(picture, (middle, top), (middle, HEIGHT), WHITE, 1)
    cv2.ellipse(picture, (middle, 74), (34, 18), 0, 0, 360, WHITE, 1)
    left = _draw_left_goal(picture[:, :middle].copy())
    right = _draw_left_goal(picture[:, :middle:-1].copy())[:, ::-1]
    picture[:, :middle], picture[:, middle + 1 :] = left, right
    return picture


def _draw_left_goal(picture: np.ndarray) -> np.ndarray:
    line = MARGIN + round(GOAL_LINE)
    cv2.line(picture, (line, round(TOUCH_LINE)), (line, HEIGHT), WHITE, 1)
    cv2.rectangle(picture, (line, 50), (line + 70, 98), WHITE, 1)
    back = line - GOAL_DEPTH
    cv2.rectangle(picture, (back, GOAL_TOP), (line, GOAL_FOOT), (60, 70, 80), -1)
    for x in range(back, line, 4):
        cv2.line(picture, (x, GOAL_TOP), (x, GOAL_FOOT), (170, 176, 180), 1)
    for y in range(GOAL_TOP, GOAL_FOOT, 4):
        cv2.line(picture, (back, y), (line, y), (170, 176, 180), 1)
    cv2.rectangle(picture, (back, GOAL_TOP), (line, GOAL_FOOT), WHITE, 2)
    return picture


def _draw_close_up(rng: np.random.Generator, shirt: Colour, stadium: np.ndarray) -> np.ndarray:
    """Return a player's head and shoulders before blurred stands, (116, 208, 3) uint8."""
    start = int(rng.integers(100, 300))
    behind = cv2.resize(stadium[:30, start : start + 60], (WIDTH + 16, HEIGHT + 8))
    picture = cv2.GaussianBlur(behind, (0, 0), 5)
    skin = tuple(float(value) for value in np.array([222, 178, 140]) * rng.uniform(0.45, 1.0))
    x = 104 + int(rng.integers(-16, 17))
    cv2.ellipse(picture, (x, 122), (62, 42), 0, 0, 360, shirt, -1)
    cv2.ellipse(picture, (x, 56), (26, 33), 0, 0, 360, skin, -1)
    cv2.ellipse(picture, (x, 36), (27, 17), 0, 180, 360, (40, 28, 20), -1)
    for eye in (x - 10, x + 10):
        cv2.circle(picture, (eye, 54), 3, (20, 20, 24), -1)
    return picture


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return 255 * red, 255 * green, 255 * blue
