"""What stands behind the objects: six kinds of wall and landscape, no two quite the same."""

from __future__ import annotations

import cv2
import numpy as np

from unmuted.demo_world.canvas import HEIGHT, WIDTH

MARGIN = 8  # pixels on every side beyond the picture, for the shaking camera
FLOOR = 112  # height at which things stand
FLOOR_COLOURS = ((96, 84, 74), (120, 116, 112), (140, 118, 92), (78, 80, 88))


def draw_background(name: str, rng: np.random.Generator) -> np.ndarray:
    """Return the background with its floor, (H + 2 MARGIN, W + 2 MARGIN, 3) uint8 RGB."""
    picture = np.zeros((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN, 3), np.uint8)
    BACKGROUND_PAINTERS[name](picture, rng)
    floor = _varied(FLOOR_COLOURS[rng.integers(len(FLOOR_COLOURS))], rng, 4)
    top = FLOOR + MARGIN - int(rng.integers(0, 6))
    picture[top:] = floor
    cv2.line(picture, (0, top), (picture.shape[1], top), [0.6 * value for value in floor], 1)
    grain = rng.normal(0, 5, picture.shape[:2])[..., None]
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def _varied(colour: tuple[float, ...], rng: np.random.Generator, spread: float) -> np.ndarray:
    return np.clip(np.asarray(colour) + rng.normal(0, spread, 3), 0, 255)


def _bricks(picture: np.ndarray, rng: np.random.Generator) -> None:
    picture[:] = _varied((190, 182, 172), rng, 8)
    brick = _varied((146, 76, 58), rng, 8)
    height, width = int(rng.integers(10, 14)), int(rng.integers(22, 30))
    for row, y in enumerate(range(0, picture.shape[0], height)):
        shift = (row % 2) * width // 2
        for x in range(-shift, picture.shape[1], width):
            colour = np.clip(brick * rng.uniform(0.85, 1.15), 0, 255).tolist()
            cv2.rectangle(picture, (x, y), (x + width - 3, y + height - 3), colour, -1)


def _tiles(picture: np.ndarray, rng: np.random.Generator) -> None:
    picture[:] = _varied((236, 238, 238), rng, 4)
    tile = _varied((150, 196, 200), rng, 8)
    size = int(rng.integers(18, 25))
    for y in range(0, picture.shape[0], size):
        for x in range(0, picture.shape[1], size):
            colour = np.clip(tile * rng.uniform(0.93, 1.07), 0, 255).tolist()
            cv2.rectangle(picture, (x, y), (x + size - 3, y + size - 3), colour, -1)


def _fence(picture: np.ndarray, rng: np.random.Generator) -> None:
    wood = _varied((178, 140, 92), rng, 10)
    width = int(rng.integers(15, 22))
    for x in range(0, picture.shape[1], width):
        colour = wood * rng.uniform(0.88, 1.12)
        picture[:, x : x + width] = np.clip(colour, 0, 255)
        picture[:, x : x + 2] = np.clip(wood * 0.5, 0, 255)
        for _ in range(3):
            grain = int(x + rng.integers(3, width))
            picture[:, grain : grain + 1] = np.clip(colour * 0.85, 0, 255)


def _curtain(picture: np.ndarray, rng: np.random.Generator) -> None:
    hues = ((214, 190, 196), (120, 104, 118), (188, 196, 176), (96, 108, 100))
    light, dark = _varied(hues[2 * rng.integers(2)], rng, 8), _varied(hues[1], rng, 8)
    width = int(rng.integers(9, 14))
    columns = np.arange(picture.shape[1])
    fold = 1 + 0.12 * np.sin(2 * np.pi * columns / (2.3 * width))
    stripes = np.where(((columns // width) % 2 == 0)[:, None], light, dark) * fold[:, None]
    picture[:] = np.clip(stripes, 0, 255)


def _sky(picture: np.ndarray, rng: np.random.Generator) -> None:
    rows = np.linspace(0, 1, picture.shape[0])[:, None, None]
    picture[:] = np.clip(
        (1 - rows) * _varied((110, 160, 214), rng, 8) + rows * _varied((196, 218, 236), rng, 6),
        0,
        255,
    )
    for _ in range(int(rng.integers(3, 6))):
        x, y = rng.uniform(0, picture.shape[1]), rng.uniform(8, 80)
        for _ in range(5):
            centre = (int(x + rng.normal(0, 13)), int(y + rng.normal(0, 4)))
            radii = (int(rng.integers(8, 18)), int(rng.integers(5, 10)))
            cv2.ellipse(picture, centre, radii, 0, 0, 360, (244, 246, 248), -1, cv2.LINE_AA)


def _hill(picture: np.ndarray, rng: np.random.Generator) -> None:
    picture[:] = _varied((206, 222, 232), rng, 6)
    columns = np.arange(picture.shape[1])
    ridge = 52 + 14 * np.sin(columns / rng.uniform(28, 50) + rng.uniform(0, 6))
    grass = _varied((112, 146, 70), rng, 8)
    picture[np.arange(picture.shape[0])[:, None] > ridge] = grass
    for _ in range(260):
        x, y = int(rng.integers(picture.shape[1])), int(rng.integers(40, picture.shape[0]))
        if y > ridge[x] + 4:
            blade = np.clip(grass * rng.uniform(0.75, 1.2), 0, 255).tolist()
            cv2.line(picture, (x, y), (x + int(rng.integers(-2, 3)), y - 5), blade, 1)


BACKGROUND_PAINTERS = {
    "brick wall": _bricks,
    "tiled wall": _tiles,
    "wooden fence": _fence,
    "striped curtain": _curtain,
    "cloudy sky": _sky,
    "grassy hill": _hill,
}
