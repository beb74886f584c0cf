"""A clip as arrays: pictures, masks of the sounding object, sound, and what is true about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from unmuted.demo_world.backgrounds import MARGIN, draw_background
from unmuted.demo_world.canvas import HEIGHT, WIDTH, Canvas, Colour
from unmuted.demo_world.motion import ActionTimeline, make_sound_timeline, make_timeline
from unmuted.demo_world.plan import ClipSpec
from unmuted.demo_world.scenes import DRAW, Look
from unmuted.demo_world.sound import synthesise
from unmuted.demo_world.truth import describe
from unmuted.media.opencv import single_thread

PALETTE: dict[str, Colour] = {
    "red": (206, 32, 38),
    "yellow": (240, 204, 36),
    "green": (30, 150, 60),
    "blue": (34, 70, 200),
    "purple": (136, 44, 164),
    "white": (238, 238, 232),
}
# Colours that no clip of a world has and no caption names: models learn shapes from them without
# learning which named colours go with which object and background.
UNNAMED_COLOURS: dict[str, Colour] = {
    "orange": (244, 128, 26),
    "cyan": (80, 206, 222),
    "pink": (244, 142, 184),
    "brown": (112, 66, 34),
    "black": (34, 34, 38),
    "grey": (130, 132, 134),
    "lime": (166, 224, 62),
    "teal": (18, 112, 118),
}
COLOUR_VALUES = PALETTE | UNNAMED_COLOURS
GRAIN_SHIFT = 24  # the film grain is one picture, shifted at random from frame to frame


@dataclass(frozen=True)
class Rendered:
    """A finished clip.

    frames (N, H, W, 3) uint8 RGB; fps frames per second; masks (N, H, W) bool, the sounding
    object; audio (n,) float32 at 44.1 kHz in -1..1, or None without an audio stream; truth as
    `unmuted.demo_world.truth.describe` gives it.
    """

    frames: np.ndarray
    fps: Fraction
    masks: np.ndarray
    audio: np.ndarray | None
    truth: dict


def render_clip(spec: ClipSpec) -> Rendered:
    """Return the whole clip."""
    timeline = make_sound_timeline(spec)
    frames, masks = render_frames(spec, range(spec.frame_count))
    audio = None if spec.audio == "no_stream" else synthesise(spec, timeline)
    return Rendered(frames, spec.rate, masks, audio, describe(spec, timeline))


def render_frames(spec: ClipSpec, indices: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the frames of these numbers, (n, H, W, 3) uint8, and their masks, (n, H, W) bool."""
    with single_thread():
        stage = _Stage(spec)
        pictures = [stage.frame(index) for index in indices]
    frames = np.stack([picture for picture, _ in pictures])
    return frames, np.stack([mask for _, mask in pictures])


class _Stage:
    """The place of a clip (from its scene seed) and what moves there (from its own seed)."""

    def __init__(self, spec: ClipSpec) -> None:
        self.spec = spec
        self.timeline: ActionTimeline = make_timeline(spec)
        place = np.random.default_rng([spec.scene_seed, 2])
        self.background = draw_background(spec.background, place)
        self.zoom = place.uniform(1.0, 1.2)
        self.offset = np.array([place.uniform(-10, 10), place.uniform(-7, 1)])
        self.mirrored = bool(place.random() < 0.5)
        tint = np.clip(np.array(COLOUR_VALUES[spec.colour]) + place.normal(0, 9, 3), 0, 255)
        stretch = place.uniform(0.88, 1.12)
        self.light = lamp_light(place)
        grain_size = (HEIGHT + GRAIN_SHIFT, WIDTH + GRAIN_SHIFT, 1)
        grain = place.normal(0, place.uniform(2, 5), grain_size)
        self.grain = np.repeat(grain.round().astype(np.int16), 3, axis=2)

        clip_rng = np.random.default_rng([spec.seed, 3])
        sparkle, tone = clip_rng.random(12), tuple(tint.tolist())
        self.look = Look(spec.object, tone, stretch, spec.cue, sparkle, spec.cue_size)
        self.offset = self.offset + clip_rng.normal(0, 2, 2)
        # a hand-held camera: two slow sines for each axis
        self.sway = clip_rng.uniform(0.2, 0.9) * clip_rng.uniform(0.4, 1, (2, 2))
        self.sway_pace = clip_rng.uniform(0.3, 1.1, (2, 2))
        self.sway_phase = clip_rng.uniform(0, 2 * np.pi, (2, 2))

    def frame(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the frame number `index` as (H, W, 3) uint8 RGB and its mask (H, W) bool."""
        time = float(index / self.spec.rate)
        angle = 2 * np.pi * self.sway_pace * time + self.sway_phase
        camera = (self.sway * np.sin(angle)).sum(axis=1)
        shift = np.array([[1, 0, camera[0] - MARGIN], [0, 1, camera[1] - MARGIN]])
        picture = cv2.warpAffine(self.background, shift, (WIDTH, HEIGHT))
        canvas = Canvas(picture, self.zoom, tuple(self.offset + camera), self.mirrored)
        DRAW[self.spec.scene](canvas, self.look, self.timeline, time)
        lit = cv2.multiply(picture, self.light, scale=1 / 200)
        down, across = np.random.default_rng([self.spec.seed, 4, index]).integers(
            GRAIN_SHIFT, size=2
        )
        grain = self.grain[down : down + HEIGHT, across : across + WIDTH]
        noisy = cv2.add(lit, grain, dtype=cv2.CV_8U)
        return noisy, canvas.mask > 0


def lamp_light(rng: np.random.Generator) -> np.ndarray:
    """Return the brightness of a lamp on one side, (H, W, 3) uint8, in which 200 is neutral."""
    across, down = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    direction = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, 0.14) * (across * np.cos(direction) + down * np.sin(direction))
    warmth = 1 + rng.normal(0, 0.03, 3)
    light = 200 * rng.uniform(0.8, 1.1) * (1 + slope)[..., None] * warmth
    return np.clip(light, 0, 255).astype(np.uint8)
