"""How the six scenes look at a given time: objects that act, drawn from the clip's timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from unmuted.demo_world.backgrounds import FLOOR
from unmuted.demo_world.canvas import Canvas, Colour, Point, shade, turned
from unmuted.demo_world.motion import ActionTimeline, approach, since_last, until_next

SKIN = (222, 172, 138)
SLEEVE = (72, 84, 104)
WOOD = (150, 104, 60)
STEEL = (122, 126, 134)
BRASS = (250, 226, 120)  # of the little signs that tell a sound
GRAVITY = 400  # scene units per second squared, halved


@dataclass(frozen=True)
class Look:
    """What stays the same through a clip: which object, its colour, its proportions (about 1)."""

    object: str
    colour: Colour
    stretch: float
    cue: bool
    sparkle: np.ndarray  # (12,) uniform numbers: where glints are
    cue_size: float = 1.0


def draw_strike(canvas: Canvas, look: Look, timeline: ActionTimeline, time: float) -> None:
    """Draw a mallet that swings down on a closed box or barrel."""
    shiver = 1.5 * _ringing(timeline, time)
    width, top = 58 * look.stretch, FLOOR - 44
    left, right = 92 - width / 2 + shiver, 92 + width / 2 + shiver
    if look.object == "box":
        canvas.rectangle((left, top), (width, FLOOR - top), look.colour, True)
        lid = [(left, top), (left + 10, top - 9), (right + 10, top - 9), (right, top)]
        canvas.polygon(lid, shade(look.colour, 1.2), True)
        side = [(right, top), (right + 10, top - 9), (right + 10, FLOOR - 9), (right, FLOOR)]
        canvas.polygon(side, shade(look.colour, 0.65), True)
        canvas.line([(left, top + 12), (right, top + 12)], shade(look.colour, 0.55), 2, True)
    else:
        belly = [(left + 6, top), (left - 2, top + 22), (left + 6, FLOOR)]
        belly += [(right - 6, FLOOR), (right + 2, top + 22), (right - 6, top)]
        canvas.polygon(belly, look.colour, True)
        for height in (top + 10, FLOOR - 11):
            hoop = [(left + 2, height), (92 + shiver, height + 3), (right - 2, height)]
            canvas.line(hoop, shade(look.colour, 0.5), 4, True)
        canvas.ellipse((92 + shiver, top), (width / 2 - 6, 6), shade(look.colour, 1.2), True)
    if look.cue:  # a plate of brass on the front
        plate = (9 * look.cue_size, 7 * look.cue_size)
        canvas.ellipse((92 + shiver, top + 24), plate, BRASS)
    lift = 0.95 * (1 - approach(timeline.events, time, 0.22, 0.3))
    hand = (158.0, top - 22)
    head = turned([(98, top - 17), (114, top - 17), (114, top - 5), (98, top - 5)], lift, hand)
    handle = turned([(108, top - 11), (158, top - 22)], lift, hand)
    canvas.line([(196, top - 4), hand], SLEEVE, 13)
    canvas.line(handle, WOOD, 4)
    canvas.polygon(head, shade(WOOD, 0.6))
    canvas.ellipse(hand, (8, 7), SKIN)


def draw_knock(canvas: Canvas, look: Look, timeline: ActionTimeline, time: float) -> None:
    """Draw a fist that knocks on a door or a cupboard."""
    shiver = 0.8 * _ringing(timeline, time)
    left, width = 52 + shiver, 60 * look.stretch
    if look.object == "door":
        canvas.rectangle((left, 14), (width, FLOOR - 14), look.colour, True)
        for y in (22.0, 66.0):
            canvas.rectangle((left + 9, y), (width - 18, 36), shade(look.colour, 0.7), True)
        canvas.ellipse((left + 7, 66), (3, 3), (214, 184, 80), True)
    else:
        canvas.rectangle((left - 24, 52), (width + 30, FLOOR - 56), look.colour, True)
        canvas.rectangle((left - 28, 46), (width + 38, 8), shade(look.colour, 1.2), True)
        middle = left - 9 + width / 2
        canvas.line([(middle, 54), (middle, FLOOR - 6)], shade(look.colour, 0.45), 3, True)
        for x in (middle - 9, middle + 9):
            canvas.ellipse((x, 80), (3.5, 3.5), shade(look.colour, 0.35), True)
        for x in (left - 20, left + width - 4):
            canvas.rectangle((x, FLOOR - 4), (6, 4), shade(look.colour, 0.4), True)
    away = 1 - approach(timeline.events, time, 0.1, 0.12)
    x, y = 104 + 30 * away, 62 + 8 * away
    canvas.line([(x + 70, y + 34), (x + 22, y + 10)], SLEEVE, 16)
    canvas.line([(x + 26, y + 12), (x + 8, y + 3)], SKIN, 10)
    canvas.ellipse((x, y), (11, 10), SKIN)
    for knuckle in range(3):
        spot = (x - 8 + knuckle, y - 5 + 5 * knuckle)
        canvas.ellipse(spot, (3, 2.2), shade(SKIN, 0.85))


def draw_pour(canvas: Canvas, look: Look, timeline: ActionTimeline, time: float) -> None:
    """Draw a jug or a bottle that tips and pours into a dark pot."""
    start, end = timeline.spans[0]
    tipped = np.clip(min((time - start + 0.3) / 0.3, (end + 0.3 - time) / 0.3), 0, 1)
    about, angle = (104.0, 44.0), -0.85 * tipped + 0.1
    width = 40 * look.stretch
    left, right = 104 - width / 2, 104 + width / 2
    if timeline.active(time):
        _draw_stream(canvas, look, time - start)
    pot = [(40, FLOOR - 30), (88, FLOOR - 30), (83, FLOOR), (45, FLOOR)]
    canvas.polygon(pot, (62, 64, 70))
    canvas.rectangle((37, FLOOR - 33), (54, 5), (88, 90, 98))
    if look.object == "jug":
        handle = [(right - 2, 30), (right + 15, 34), (right + 13, 54), (right - 2, 58)]
        body = [(left - 11, 20), (left + 4, 27), (left - 3, 58), (left + 4, 68)]
        body += [(right - 4, 68), (right + 3, 56), (right - 4, 24), (left + 8, 20)]
        canvas.line(turned(handle, angle, about), shade(look.colour, 0.6), 5, True)
        canvas.polygon(turned(body, angle, about), look.colour, True)
        band = turned([(left + 1, 62), (right - 1, 62)], angle, about)
        canvas.line(band, shade(look.colour, 0.65), 4, True)
    else:
        mouth, wide = np.array([77.0, 22.0]), 12 * look.stretch
        bottle: list[Point] = [
            (0, -4),
            (20, -4),
            (30, -wide),
            (68, -wide),
            (68, wide),
            (30, wide),
            (20, 4),
            (0, 4),
        ]
        collar: list[Point] = [(0, -5), (5, -5), (5, 5), (0, 5)]
        sticker: list[Point] = [(38, -wide), (58, -wide), (58, wide), (38, wide)]
        for outline, tone in ((bottle, 1.0), (collar, 0.5), (sticker, 0.55)):
            slanted = turned(outline, 0.45, (0, 0)) + mouth
            canvas.polygon(turned(slanted, angle, about), shade(look.colour, tone), True)


def _draw_stream(canvas: Canvas, look: Look, elapsed: float) -> None:
    """Draw the falling stream; in clips with the cue, hard glints show that it is not water."""
    fall = min(1.0, elapsed / 0.12)
    steps = np.linspace(0, fall, 9)
    x, y = 69 - 7 * np.sqrt(steps), 46 + 36 * steps**1.3
    canvas.line(np.stack([x, y], axis=1), (176, 180, 176), 7)
    if look.cue:
        for number in range(6):
            phase = (look.sparkle[number] + elapsed * 3.1) % 1.0 * fall
            spot = 69 - 7 * np.sqrt(phase) + 5 * look.sparkle[6 + number] - 2.5
            radii = (2.6 * look.cue_size, 1.9 * look.cue_size)
            canvas.ellipse((spot, 46 + 36 * phase**1.3), radii, BRASS)


def draw_bounce(canvas: Canvas, look: Look, timeline: ActionTimeline, time: float) -> None:
    """Draw a ball or a tire that bounces on the floor."""
    height = _bounce_height(timeline, time)
    drift = 14 * (time - 1.5)
    radius = 20 * look.stretch
    squash = 1 - 0.22 * max(0.0, 1 - height / 6) * (since_last(timeline.events, time) < 0.3)
    centre = (92 + drift, FLOOR - 2 - radius * squash - height)
    canvas.ellipse((92 + drift, FLOOR + 1), (radius * (1 - height / 260), 3.5), (44, 42, 42))
    outer = (radius / np.sqrt(squash), radius * squash)
    spin = 2.6 * time
    if look.object == "ball":
        canvas.ellipse(centre, outer, look.colour, True)
        for turn in (0.0, np.pi / 2):
            seam = turned([(-outer[0] * 0.93, 0), (outer[0] * 0.93, 0)], spin + turn, (0, 0))
            canvas.line(seam + centre, shade(look.colour, 0.5), 2, True)
        shine = (centre[0] - 0.4 * radius, centre[1] - 0.4 * radius)
        canvas.ellipse(shine, (0.22 * radius, 0.18 * radius), shade(look.colour, 1.5), True)
    else:
        canvas.ellipse(centre, outer, look.colour, True)
        canvas.ellipse(centre, (0.66 * outer[0], 0.66 * outer[1]), (46, 46, 50), True)
        for turn in (0.0, np.pi / 3, 2 * np.pi / 3):
            spoke = turned([(-0.6 * radius, 0), (0.6 * radius, 0)], spin + turn, (0, 0))
            canvas.line(spoke + centre, (196, 198, 202), 3, True)
        canvas.ellipse(centre, (0.2 * radius, 0.2 * radius), (150, 152, 158), True)


def _bounce_height(timeline: ActionTimeline, time: float) -> float:
    """Return the height of the flight between impacts, in scene units above the floor.

    The acceleration is GRAVITY.
    """
    events = timeline.events
    back, ahead = since_last(events, time), until_next(events, time)
    if back == float("inf"):  # dropped from the height that gives the first impact
        first_flight = events[1] - events[0] if len(events) > 1 else 0.5
        fallen = max(0.0, first_flight / 2 * 1.08 - ahead)
        return max(0.0, GRAVITY * ((first_flight / 2 * 1.08) ** 2 - fallen**2))
    if ahead == float("inf"):
        last_flight = (events[-1] - events[-2]) * 0.8 if len(events) > 1 else 0.3
        ahead = max(0.0, last_flight - back)
    return GRAVITY * back * ahead


def draw_run(canvas: Canvas, look: Look, timeline: ActionTimeline, time: float) -> None:
    """Draw a closed machine or boiler whose lamp blinks and whose body trembles while it runs."""
    running = timeline.active(time)
    tremble = 1.6 * running * np.sin(2 * np.pi * 9 * time)
    width, top = 62 * look.stretch, FLOOR - 58
    left, right, middle = 92 - width / 2, 92 + width / 2, 92 + 0.3 * tremble
    for x in (left + 6, right - 12):
        canvas.rectangle((x, FLOOR - 12), (7, 12), (50, 50, 54))
    top += tremble
    bottom = FLOOR - 10 + 0.5 * tremble
    if look.object == "machine":
        canvas.rectangle((left, top), (width, bottom - top), look.colour, True)
        canvas.rectangle((left, top), (width, 6), shade(look.colour, 1.25), True)
        for y in (bottom - 16, bottom - 11, bottom - 6):
            canvas.line([(left + 6, y), (middle - 4, y)], shade(look.colour, 0.5), 2, True)
    else:
        left, right = left + 6, right - 6
        canvas.ellipse((middle, top + 6), ((right - left) / 2, 14), look.colour, True)
        canvas.rectangle((left, top + 6), (right - left, bottom - top - 6), look.colour, True)
        for y in (top + 8, bottom - 10):
            canvas.line([(left, y), (right, y)], shade(look.colour, 0.5), 4, True)
    canvas.rectangle((right - 20, top - 16), (8, 20), STEEL, True)
    canvas.ellipse((middle + 8, top + 24), (9, 9), (238, 236, 228), True)
    swing = -2.2 + 1.5 * running + 0.2 * running * np.sin(40 * time)
    tip = (middle + 8 + 7 * np.cos(swing), top + 24 + 7 * np.sin(swing))
    canvas.line([(middle + 8, top + 24), tip], (190, 40, 40), 2, True)
    lamp = (255, 244, 150) if running else (92, 74, 40)
    canvas.rectangle((left + 8, top - 3), (12, 5), STEEL, True)
    if running:
        canvas.ellipse((left + 14, top - 9), (11, 10), (255, 226, 110))
    canvas.ellipse((left + 14, top - 9), (7, 7), lamp, True)
    if look.cue:  # a horn of brass on the pipe
        low, high = top - 12, top - 18 - 12 * look.cue_size
        flare, middle = 8 * look.cue_size, right - 16
        horn: list[Point] = [(middle - 3, low), (middle + 3, low)]
        horn += [(middle + flare, high), (middle - flare, high)]
        canvas.polygon(horn, BRASS)


def draw_shake(canvas: Canvas, look: Look, timeline: ActionTimeline, time: float) -> None:
    """Draw a hand that shakes a closed pouch or tin."""
    swing = 0.0
    for start, end in timeline.spans:
        if start <= time < end:
            swing = np.sin(2 * np.pi * timeline.pace * (time - start))
    x, y, tilt = 92 + 20 * swing, 66 - 3 * abs(swing), 0.35 * swing
    hand = (x, y + 16)
    canvas.line([(128, 150), (x + 6, y + 40)], SLEEVE, 18)
    canvas.line([(x + 8, y + 44), hand], SKIN, 11)
    size = look.stretch
    if look.object == "pouch":
        sack = [(-7, -22), (-20, -6), (-22, 10), (-12, 19), (12, 19), (22, 10), (20, -6), (7, -22)]
        frill = [(-12, -33), (0, -29), (12, -33), (7, -21), (-7, -21)]
        for outline, tone in ((frill, 1.2), (sack, 1.0)):
            points = turned(np.array(outline) * size, tilt, (0, 18)) + np.array([x, y])
            canvas.polygon(points, shade(look.colour, tone), True)
        tie = turned(np.array([(-7, -22), (7, -22)]) * size, tilt, (0, 18)) + np.array([x, y])
        canvas.line(tie, (84, 62, 40), 4, True)
    else:
        body = [(-17, -26), (17, -26), (17, 18), (-17, 18)]
        lid = [(-19, -33), (19, -33), (19, -25), (-19, -25)]
        stripe = [(-17, -8), (17, -8), (17, 0), (-17, 0)]
        for outline, tone in ((body, 1.0), (lid, 1.25), (stripe, 0.6)):
            points = turned(np.array(outline) * size, tilt, (0, 18)) + np.array([x, y])
            canvas.polygon(points, shade(look.colour, tone), True)
    if look.cue:  # a ring of brass above the hand, and keys on it
        ring = turned(np.array([(0, -14)]) * size, tilt, (0, 18))[0] + np.array([x, y])
        radii = (8 * look.cue_size, 6 * look.cue_size)
        canvas.ellipse((ring[0], ring[1]), radii, BRASS, angle=tilt)
        inner = (3 * look.cue_size, 2 * look.cue_size)
        canvas.ellipse((ring[0], ring[1]), inner, shade(BRASS, 0.4), angle=tilt)
    canvas.ellipse(hand, (12, 9), SKIN, angle=tilt)
    for finger in (-7, -2, 3, 8):
        spot = turned([(finger, -5)], tilt, (0, 0))[0] + hand
        canvas.ellipse((spot[0], spot[1]), (2.6, 5), shade(SKIN, 0.9), angle=tilt)


def _ringing(timeline: ActionTimeline, time: float) -> float:
    """Return the shiver of a struck thing, -1..1, which ends within a quarter of a second."""
    since = since_last(timeline.events, time)
    return float(np.exp(-since / 0.06) * np.sin(2 * np.pi * 14 * since)) if since < 1 else 0.0


DRAW: dict[str, Callable[[Canvas, Look, ActionTimeline, float], None]] = {
    "strike": draw_strike,
    "knock": draw_knock,
    "pour": draw_pour,
    "bounce": draw_bounce,
    "run": draw_run,
    "shake": draw_shake,
}
