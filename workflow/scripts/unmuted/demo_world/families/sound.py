"""The soundtrack of a clip, and in which seconds each object can be heard in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unmuted.demo_world.families.plan import FamilyClipSpec, ObjectSpec
from unmuted.demo_world.families.render import timeline_of
from unmuted.demo_world.sound import VOICES
from unmuted.demo_world.synthesis import SAMPLE_RATE, band_noise, in_room

LEVELS_DB = (-16, -3)  # of the loudest moment, in dB of full scale
NOISE_DB = (32, 55)  # of the noise, below that moment


@dataclass(frozen=True)
class Soundtrack:
    """The sound of a clip, float32 (n,) at 44.1 kHz in -1..1, and what each object adds to it.

    parts: by object, float64 (n,), at the level that it has in the sound.
    """

    samples: np.ndarray
    parts: dict[ObjectSpec, np.ndarray]

    def is_heard(self, spec: ObjectSpec, silence_db: float) -> np.ndarray:
        """Return in which seconds an object's sound is louder than silence, bool (K,).

        The last part of a second counts if it is half a second or longer.
        """
        count = max(1, int(len(self.samples) / SAMPLE_RATE + 0.5))
        if spec not in self.parts:
            return np.zeros(count, bool)
        seconds = np.array_split(self.parts[spec], np.arange(1, count) * SAMPLE_RATE)
        power = np.array([np.mean(second[:SAMPLE_RATE] ** 2) for second in seconds])
        return power >= 10 ** (silence_db / 10)


def make_soundtrack(spec: FamilyClipSpec) -> Soundtrack:
    """Return the sound of a clip; zeros where it is silence."""
    count = round(spec.seconds * SAMPLE_RATE)
    if not spec.sounding:
        return Soundtrack(np.zeros(count, np.float32), {})
    rng = np.random.default_rng([spec.sound_seed, 5])
    room = rng.integers(2**32)  # the same for all that sounds in one place
    parts = {each: _part(each, spec.seconds, count, int(room)) for each in spec.sounding}
    level = 10 ** (rng.uniform(*LEVELS_DB) / 20)
    noise = 10 ** (-rng.uniform(*NOISE_DB) / 20) * level
    background = noise * band_noise(rng, (rng.uniform(40, 120), rng.uniform(600, 6000)), count)
    parts = {each: level / len(parts) * part for each, part in parts.items()}
    mixed = np.clip(sum(parts.values()) + background, -1, 1)
    return Soundtrack(mixed.astype(np.float32), parts)


def _part(spec: ObjectSpec, seconds: float, count: int, room: int) -> np.ndarray:
    """Return the sound of one object in its place, float64 (count,), loudest at 1."""
    track = np.zeros(count)
    VOICES[spec.label](
        track, timeline_of(spec, seconds), np.random.default_rng([spec.seed, 5]), None
    )
    wet = in_room(track, np.random.default_rng([room, 6]))
    return wet / max(np.abs(wet).max(), 1e-9)
