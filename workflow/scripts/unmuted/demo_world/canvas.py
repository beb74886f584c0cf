"""A picture and the mask of the sounding object, drawn with the same strokes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

WIDTH, HEIGHT = 192, 144
SUBPIXEL_BITS = 4  # OpenCV's fixed-point coordinates: motion below a pixel is visible

TURNS = np.linspace(0, 2 * np.pi, 28, endpoint=False)
CIRCLE = np.stack([np.cos(TURNS), np.sin(TURNS)], axis=1)  # (28, 2), a smooth enough polygon

Point = tuple[float, float]
Points = Sequence[Point] | np.ndarray  # or an array (n, 2)
Colour = tuple[float, float, float]


class Canvas:
    """Draws in scene coordinates (x to the right, y down, about 192 x 144 units).

    A shape drawn with `sounding=True` belongs to the mask; any other shape drawn over it hides it.

    offset: in pixels, before the picture is mirrored. mask: of other objects that are already in
    the picture; a new one unless given. mark: this object's number in the mask.
    """

    def __init__(
        self,
        image: np.ndarray,
        zoom: float,
        offset: Point,
        mirrored: bool,
        mask: np.ndarray | None = None,
        mark: int = 255,
    ) -> None:
        self.image = image  # (H, W, 3) uint8 RGB
        self.mask = np.zeros(image.shape[:2], np.uint8) if mask is None else mask
        self.mark = mark
        self.zoom, self.offset, self.mirrored = zoom, offset, mirrored

    def polygon(self, points: Points, colour: Colour, sounding: bool = False) -> None:
        """Draw a filled polygon with smooth edges."""
        corners = [self._to_pixels(points)]
        cv2.fillPoly(self.image, corners, colour, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.fillPoly(self.mask, corners, self.mark * sounding, cv2.LINE_8, SUBPIXEL_BITS)

    def line(self, points: Points, colour: Colour, width: float, sounding: bool = False) -> None:
        """Draw an open line through the points, `width` units wide."""
        thickness = max(1, round(width * self.zoom))
        corners = [self._to_pixels(points)]
        cv2.polylines(self.image, corners, False, colour, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
        cv2.polylines(
            self.mask, corners, False, self.mark * sounding, thickness, cv2.LINE_8, SUBPIXEL_BITS
        )

    def ellipse(
        self,
        centre: Point,
        radii: Point,
        colour: Colour,
        sounding: bool = False,
        angle: float = 0.0,
    ) -> None:
        """Draw a filled ellipse, turned by `angle` radians."""
        points = CIRCLE * radii + centre
        self.polygon(turned(points, angle, centre) if angle else points, colour, sounding)

    def rectangle(self, corner: Point, size: Point, colour: Colour, sounding: bool = False) -> None:
        """Draw an upright filled rectangle from its top left corner."""
        (x, y), (width, height) = corner, size
        outline = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        self.polygon(outline, colour, sounding)

    def _to_pixels(self, points: Points) -> np.ndarray:
        centre = np.array([WIDTH / 2, HEIGHT / 2])
        placed = (np.asarray(points, float) - centre) * self.zoom + centre + self.offset
        if self.mirrored:
            placed[:, 0] = WIDTH - placed[:, 0]
        return np.round(placed * 2**SUBPIXEL_BITS).astype(np.int32)


def turned(points: Points, angle: float, about: Point) -> np.ndarray:
    """Return the points turned by `angle` radians (clockwise on the screen) about a point."""
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.array([[cos, sin], [-sin, cos]])
    return (np.asarray(points, float) - about) @ rotation + about


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour darker (factor < 1) or lighter (factor > 1)."""
    red, green, blue = (float(np.clip(value * factor, 0, 255)) for value in colour)
    return red, green, blue
