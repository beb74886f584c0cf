"""Boxes around objects, as labelImg writes them: one Pascal VOC file (XML) for a picture.

The files are not trusted. Their size is limited, they must be UTF-8, and any declaration such as a
DOCTYPE or an ENTITY is refused, so that nothing in them can expand or refer to another file. The
path that labelImg writes into them is ignored.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from unmuted.files import NotAFile, require_file
from unmuted.text import one_line

MAX_BYTES = 1_000_000
MAX_OBJECTS = 1000
CLIPPED_PX = 2.0  # that a box may stand out of its picture, by rounding
# All markup with an exclamation mark except comments and CDATA: DOCTYPE, ENTITY and others.
_DECLARATION = re.compile(r"<!(?!--|\[CDATA\[)")
# expat would read text with null characters as UTF-16, and see declarations that are hidden here.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}(\.[0-9]{0,9})?")
_EDGES = ("xmin", "ymin", "xmax", "ymax")


class BoxProblem(Exception):
    """Why a file of boxes, or one of its boxes, is not used: a status, and a reason in words."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Box:
    """An object's box; left, top, right and bottom are shares of the picture's sides, 0 to 1."""

    label: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class PictureBoxes:
    """The boxes of a picture (at least one), the problems of others, and how many were clipped."""

    boxes: tuple[Box, ...]
    problems: tuple[BoxProblem, ...]
    clipped: int


def read_boxes(path: Path) -> PictureBoxes:
    """Return the boxes of a file that labelImg wrote.

    Raises:
        BoxProblem: the status is `unreadable`, `too_large`, or one of `parse_boxes`.
    """
    try:
        content = _beginning(path)
    except (OSError, ValueError, NotAFile) as error:
        raise BoxProblem("unreadable", one_line(str(error))) from error
    return parse_boxes(content)


def parse_boxes(content: bytes) -> PictureBoxes:
    """Return the boxes of a file's content.

    Raises:
        BoxProblem: `too_large`, `not_utf8`, `doctype`, `not_xml`, `not_voc`, `size` (of the
            picture), `too_many`, `no_object`, or the first problem of a box if no box is good:
            `no_label`, `no_box`, `empty_box`, `outside`.
    """
    if len(content) > MAX_BYTES:
        raise BoxProblem("too_large", f"more than {MAX_BYTES} bytes")
    root = _parsed(content)
    if root.tag != "annotation":
        raise BoxProblem("not_voc", f"expected <annotation>, found <{one_line(root.tag, 60)}>")
    width, height = (_number(root, f"size/{side}") for side in ("width", "height"))
    if not (width and height and width > 0 and height > 0):
        raise BoxProblem("size", "expected the picture's width and height above 0 in <size>")
    objects = root.findall("object")
    if not objects:
        raise BoxProblem("no_object", "the file has no <object>")
    if len(objects) > MAX_OBJECTS:
        raise BoxProblem("too_many", f"{len(objects)} objects, allowed are {MAX_OBJECTS}")
    boxes, problems, clipped = [], [], 0
    for element in objects:
        try:
            box, is_clipped = _box(element, width, height)
        except BoxProblem as problem:
            problems.append(problem)
        else:
            boxes.append(box)
            clipped += is_clipped
    if not boxes:
        raise problems[0]
    return PictureBoxes(tuple(boxes), tuple(problems), clipped)


def box_mask(boxes: Sequence[Box], height: int, width: int) -> np.ndarray:
    """Fill the boxes: bool (height, width), true for pixels whose centre is in one of them.

    The control of the crop losses trains on such masks: the same annotation, used directly.
    """
    y, x = (np.arange(height) + 0.5)[:, None] / height, (np.arange(width) + 0.5) / width
    mask = np.zeros((height, width), dtype=bool)
    for box in boxes:
        mask |= (box.top <= y) & (y < box.bottom) & (box.left <= x) & (x < box.right)
    return mask


def _beginning(path: Path) -> bytes:
    """Return at most one byte more than is allowed; do not wait for pipes or follow links."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        require_file(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _parsed(content: bytes) -> ElementTree.Element:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BoxProblem("not_utf8", one_line(str(error))) from error
    if _CONTROL.search(text):
        raise BoxProblem("not_xml", "the file has control characters, which XML does not allow")
    if _DECLARATION.search(text):
        raise BoxProblem("doctype", "a DOCTYPE, an entity or another declaration is not read")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise BoxProblem("not_xml", one_line(str(error))) from error


def _box(element: ElementTree.Element, width: float, height: float) -> tuple[Box, bool]:
    """Return an object's box and whether it was clipped to the picture; raises BoxProblem."""
    label = one_line(element.findtext("name") or "", 200)
    if not label:
        raise BoxProblem("no_label", "an object without a name")
    edges = [_number(element, f"bndbox/{name}") for name in _EDGES]
    numbers = [edge for edge in edges if edge is not None]
    if len(numbers) < len(edges):
        raise BoxProblem("no_box", f"{label}: expected numbers {', '.join(_EDGES)} in <bndbox>")
    found = f"{label}: {', '.join(f'{edge:g}' for edge in numbers)} in {width:g} x {height:g}"
    xmin, ymin, xmax, ymax = numbers
    if xmin >= xmax or ymin >= ymax:
        raise BoxProblem("empty_box", found)
    beyond = max(-xmin, -ymin, xmax - width, ymax - height)
    if beyond > CLIPPED_PX or xmin >= width or ymin >= height or xmax <= 0 or ymax <= 0:
        raise BoxProblem("outside", found)
    left, right = max(xmin, 0.0) / width, min(xmax, width) / width
    top, bottom = max(ymin, 0.0) / height, min(ymax, height) / height
    return Box(label, left, top, right, bottom), beyond > 0


def _number(element: ElementTree.Element, path: str) -> float | None:
    text = (element.findtext(path) or "").strip()
    return float(text) if _NUMBER.fullmatch(text) else None
