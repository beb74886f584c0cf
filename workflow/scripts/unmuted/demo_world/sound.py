"""How each class sounds: physically plausible synthesis at the timeline's events and spans."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unmuted.demo_world.motion import ActionTimeline
from unmuted.demo_world.plan import ClipSpec
from unmuted.demo_world.synthesis import (
    SAMPLE_RATE,
    Room,
    band_noise,
    gate,
    in_room,
    modes,
    noise_burst,
    place,
    with_background,
)

# Ratios of partials to the fundamental.
MEMBRANE = np.array([1.0, 1.594, 2.136, 2.296, 2.653, 2.918])  # zeros of Bessel functions
BELL = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.66, 3.01, 4.1, 5.4])  # hum, prime, tierce, ...
WOODEN = np.array([1.0, 2.1, 3.3, 4.9, 6.2])  # a clamped plate, heavily damped

Register = int | None  # as in `ClipSpec`

# Where the place sets the room: bare walls echo, cloth does not, and outdoors there is wind.
_BARE, _DRAPED = Room(0.12, 0.5, -14, 45), Room(0.03, 0.02, -10, 55)
_OUTDOORS = Room(0.03, 0.02, -4, 22)
ROOMS = {
    "brick wall": _BARE,
    "tiled wall": _BARE,
    "striped curtain": _DRAPED,
    "wooden fence": _OUTDOORS,
    "cloudy sky": _OUTDOORS,
    "grassy hill": _OUTDOORS,
}


def synthesise(spec: ClipSpec, timeline: ActionTimeline) -> np.ndarray:
    """Return the sound, (round(seconds * 44100),) float32 in -1..1; zeros for a silent clip."""
    count = round(spec.seconds * SAMPLE_RATE)
    if spec.audio == "silent":
        return np.zeros(count, np.float32)
    rng = np.random.default_rng([spec.seed, 5])
    track = np.zeros(count)
    VOICES[spec.label](track, timeline, rng, spec.register)
    room = ROOMS[spec.background] if spec.place_sets_room else None
    sound = with_background(in_room(track, rng, room), rng, room)
    return np.clip(sound, -1, 1).astype(np.float32)


def _pitch(rng: np.random.Generator, low: float, high: float, register: Register) -> float:
    """Draw a pitch in Hz: from low to high, or from the upper (0) or lower (1) half of that."""
    share = rng.random()
    if register is not None:
        share = (share + 1 - register) / 2
    return low + (high - low) * share


def _drum(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    pitch, decay = _pitch(rng, 75, 170, register), rng.uniform(0.1, 0.22)
    body = modes(pitch * MEMBRANE, decay / np.sqrt(MEMBRANE), 1 / MEMBRANE, 0.7)
    skin = noise_burst(rng, (200, 1800), 0.015, 0.1)
    body[: len(skin)] += rng.uniform(0.15, 0.4) * skin
    for event in timeline.events:
        place(track, body, event, rng.uniform(0.6, 1))


def _bell(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    pitch, decay = _pitch(rng, 480, 1150, register), rng.uniform(0.5, 1.2)
    ratios = BELL * (1 + rng.normal(0, 0.004, len(BELL)))
    gains = rng.uniform(0.5, 1, len(BELL)) / np.sqrt(BELL)
    body = modes(pitch * ratios, decay / BELL**0.7, gains, 2.0)
    for event in timeline.events:
        place(track, body, event, rng.uniform(0.6, 1))


def _wooden(track: np.ndarray, events: tuple[float, ...], rng: np.random.Generator, pitch: float,
            decay: float, softness: float) -> None:  # fmt: skip
    body = modes(pitch * WOODEN, decay / WOODEN**0.6, WOODEN**-softness, 0.35)
    click = noise_burst(rng, (500, 3500), 0.006, 0.05)
    body[: len(click)] += 0.5 / softness**2 * click
    for event in events:
        place(track, body, event, rng.uniform(0.7, 1))


def _knock(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    pitch, decay = _pitch(rng, 150, 330, register), rng.uniform(0.03, 0.06)
    _wooden(track, timeline.events, rng, pitch, decay, softness=rng.uniform(0.6, 1.2))


def _bounce(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    """Add a thud on wooden boards: close to a knock, softer and a little lower."""
    pitch, decay = _pitch(rng, 90, 230, register), rng.uniform(0.04, 0.08)
    _wooden(track, timeline.events, rng, pitch, decay, softness=rng.uniform(1.0, 1.7))


def _water(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    """Add bubbles: short chirps that rise as the bubble nears the surface, over a soft hiss."""
    hiss = band_noise(rng, (400, rng.uniform(1800, 3500)), len(track))
    track += 0.06 * hiss * gate(len(track), timeline.spans, 0.1)
    for start, end in timeline.spans:
        for time in rng.uniform(start, end, int(rng.uniform(60, 110) * (end - start))):
            pitch, decay = _pitch(rng, 350, 1900, register), rng.uniform(0.01, 0.04)
            moment = np.arange(int(5 * decay * SAMPLE_RATE)) / SAMPLE_RATE
            phase = 2 * np.pi * pitch * (moment + rng.uniform(1, 5) * moment**2)
            bubble = np.sin(phase) * np.exp(-moment / decay)
            place(track, bubble, time, rng.uniform(0.1, 0.5))


def _metal(rng: np.random.Generator, low: float, decay: float) -> np.ndarray:
    """Return the clink of a small piece of metal: a few inharmonic, high partials."""
    frequencies = rng.uniform(low, low * 2.6, 5)
    return modes(frequencies, decay * rng.uniform(0.5, 1.5, 5), rng.uniform(0.3, 1, 5), 5 * decay)


def _coins(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    low = _pitch(rng, 2200, 3200, register)
    clinks = [_metal(rng, low, rng.uniform(0.02, 0.06)) for _ in range(8)]
    for start, end in timeline.spans:
        later = rng.uniform(start, end, int(rng.uniform(16, 30) * (end - start)))
        for time in (start, *later):
            place(track, clinks[rng.integers(len(clinks))], time, rng.uniform(0.2, 1))


def _keys(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    """Add clusters of clinks at every turn of the shaking hand."""
    low = _pitch(rng, 2600, 3600, register)
    clinks = [_metal(rng, low, rng.uniform(0.015, 0.04)) for _ in range(6)]
    for event in timeline.events:
        for _ in range(rng.integers(4, 8)):
            clink = clinks[rng.integers(len(clinks))]
            place(track, clink, max(0.0, event + rng.normal(0.01, 0.02)), rng.uniform(0.2, 1))


def _maraca(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    band = (_pitch(rng, 2500, 3600, register), rng.uniform(7000, 10000))
    for event in timeline.events:
        shot = noise_burst(rng, band, rng.uniform(0.02, 0.045), 0.2)
        place(track, shot, event, rng.uniform(0.5, 1))


def _engine(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    """Add pulses of a slowly wandering rate through a low resonance, with exhaust noise."""
    time = np.arange(len(track)) / SAMPLE_RATE
    rate = _pitch(rng, 24, 48, register) * (
        1 + 0.05 * np.sin(2 * np.pi * rng.uniform(0.3, 1) * time)
    )
    phase = 2 * np.pi * np.cumsum(rate) / SAMPLE_RATE
    gains = rng.uniform(0.4, 1, 14) / np.arange(1, 15) ** 0.5
    firing = sum(gain * np.sin((n + 1) * phase) for n, gain in enumerate(gains))
    exhaust = band_noise(rng, (80, 900), len(track)) * (0.6 + 0.4 * np.sin(phase))
    track += (firing + rng.uniform(0.4, 0.9) * exhaust) * gate(len(track), timeline.spans, 0.06)


def _whistle(
    track: np.ndarray, timeline: ActionTimeline, rng: np.random.Generator, register: Register
) -> None:
    """Add the tone of a pipe with vibrato and two overtones, over the breath that drives it."""
    time = np.arange(len(track)) / SAMPLE_RATE
    vibrato = 1 + 0.012 * np.sin(2 * np.pi * rng.uniform(4, 8) * time)
    pitch = _pitch(rng, 1100, 2500, register)
    phase = 2 * np.pi * np.cumsum(pitch * vibrato) / SAMPLE_RATE
    tone = np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.12 * np.sin(3 * phase)
    breath = band_noise(rng, (0.7 * pitch, 1.6 * pitch), len(track))
    track += (tone + rng.uniform(0.05, 0.2) * breath) * gate(len(track), timeline.spans, 0.04)


Voice = Callable[[np.ndarray, ActionTimeline, np.random.Generator, Register], None]
VOICES: dict[str, Voice] = {
    "striking drum": _drum,
    "ringing bell": _bell,
    "knocking on door": _knock,
    "pouring water": _water,
    "pouring coins": _coins,
    "bouncing ball": _bounce,
    "running engine": _engine,
    "blowing whistle": _whistle,
    "shaking maraca": _maraca,
    "jingling keys": _keys,
}
