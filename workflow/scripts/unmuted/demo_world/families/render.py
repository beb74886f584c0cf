"""The pictures of a family: two objects before one background, and which pixels are whose."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from unmuted.demo_world.backgrounds import FLOOR, MARGIN, draw_background
from unmuted.demo_world.canvas import HEIGHT, WIDTH, Canvas
from unmuted.demo_world.families.plan import FamilyClipSpec, ObjectSpec
from unmuted.demo_world.motion import TIMELINES, ActionTimeline
from unmuted.demo_world.render import COLOUR_VALUES, GRAIN_SHIFT, lamp_light
from unmuted.demo_world.scenes import DRAW, Look
from unmuted.media.opencv import single_thread

A, B = 1, 2  # the objects' numbers in the masks
FROM_MIDDLE = 0.25 * WIDTH  # where the objects stand


def timeline_of(spec: ObjectSpec, seconds: float) -> ActionTimeline:
    """Return when an object acts and sounds."""
    return TIMELINES[spec.scene](np.random.default_rng([spec.seed, 1]), seconds)


def render_pictures(spec: FamilyClipSpec, indices: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames of these numbers, uint8 (n, H, W, 3), and the objects' numbers in them.

    The latter are uint8 (n, H, W), 0 where there is no object. Nothing depends on the soundtrack.
    """
    with single_thread():
        place = _Place(spec)
        pictures = [place.frame(index) for index in indices]
    return np.stack([picture for picture, _ in pictures]), np.stack([ids for _, ids in pictures])


class _Object:
    """What one object looks like, where it stands and when it acts."""

    def __init__(self, spec: ObjectSpec, seconds: float, is_left: bool, mark: int) -> None:
        self.draw, self.mark = DRAW[spec.scene], mark
        self.timeline = timeline_of(spec, seconds)
        rng = np.random.default_rng([spec.seed, 2])
        tint = np.clip(np.array(COLOUR_VALUES[spec.colour]) + rng.normal(0, 9, 3), 0, 255)
        stretch, sparkle = rng.uniform(0.88, 1.12), rng.random(12)
        self.look = Look(spec.object, tuple(tint.tolist()), stretch, False, sparkle)
        self.zoom = rng.uniform(0.5, 0.6)
        self.mirrored = bool(rng.random() < 0.5)
        across = (-1 if is_left else 1) * FROM_MIDDLE + rng.uniform(-7, 7)
        # The scene's floor comes to lie about where the background's is.
        down = (FLOOR - HEIGHT / 2) * (1 - self.zoom) + rng.uniform(-7, 3)
        # A canvas mirrors the offset too.
        self.offset = np.array([-across if self.mirrored else across, down])

    def paint(self, picture: np.ndarray, ids: np.ndarray, camera: np.ndarray, time: float) -> None:
        """Draw the object as it is at this time, over what is already in the picture."""
        shake = camera * (-1 if self.mirrored else 1, 1)
        offset = tuple(self.offset + shake)
        canvas = Canvas(picture, self.zoom, offset, self.mirrored, ids, self.mark)
        self.draw(canvas, self.look, self.timeline, time)


class _Place:
    """The background, the camera and the light of a picture, and the objects in it."""

    def __init__(self, spec: FamilyClipSpec) -> None:
        self.spec = spec
        rng = np.random.default_rng([spec.picture_seed, 2])
        self.background = draw_background(spec.background, rng)
        self.light = lamp_light(rng)
        grain = rng.normal(0, rng.uniform(2, 5), (HEIGHT + GRAIN_SHIFT, WIDTH + GRAIN_SHIFT, 1))
        self.grain = np.repeat(grain.round().astype(np.int16), 3, axis=2)
        # a hand-held camera: two slow sines for each axis
        self.sway = rng.uniform(0.2, 0.9) * rng.uniform(0.4, 1, (2, 2))
        self.sway_pace = rng.uniform(0.3, 1.1, (2, 2))
        self.sway_phase = rng.uniform(0, 2 * np.pi, (2, 2))
        self.objects = [
            _Object(spec.a, spec.seconds, spec.a_is_left, A),
            _Object(spec.b, spec.seconds, not spec.a_is_left, B),
        ]
        if rng.random() < 0.5:  # either may be in front
            self.objects.reverse()

    def frame(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the frame number `index`, uint8 (H, W, 3), and its objects, uint8 (H, W)."""
        time = float(index / self.spec.rate)
        angle = 2 * np.pi * self.sway_pace * time + self.sway_phase
        camera = (self.sway * np.sin(angle)).sum(axis=1)
        shift = np.array([[1, 0, camera[0] - MARGIN], [0, 1, camera[1] - MARGIN]])
        picture = cv2.warpAffine(self.background, shift, (WIDTH, HEIGHT))
        ids = np.zeros((HEIGHT, WIDTH), np.uint8)
        for each in self.objects:
            each.paint(picture, ids, camera, time)
        lit = cv2.multiply(picture, self.light, scale=1 / 200)
        rng = np.random.default_rng([self.spec.picture_seed, 4, index])
        down, across = rng.integers(GRAIN_SHIFT, size=2)
        grain = self.grain[down : down + HEIGHT, across : across + WIDTH]
        return cv2.add(lit, grain, dtype=cv2.CV_8U), ids
