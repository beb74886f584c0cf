"""The rooms of the cued world: echo, noise and level follow from what is in the background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve

from unmuted.demo_world.motion import make_timeline
from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.sound import ROOMS, VOICES, synthesise
from unmuted.demo_world.synthesis import SAMPLE_RATE, band_noise, in_room, with_background
from unmuted.demo_world.vocabulary import BACKGROUNDS

BARE, DRAPED = ("brick wall", "tiled wall"), ("striped curtain",)
OUTDOORS = ("wooden fence", "cloudy sky", "grassy hill")
SEEDS = range(10)  # of clips: they vary a little in a room


def world_of(kind: str) -> list[ClipSpec]:
    return [spec for spec in plan_world(None, 12, 5, 2.0, kind=kind) if spec.audio == "ok"]


def click() -> np.ndarray:
    """One second with a single sample of sound at its start."""
    track = np.zeros(SAMPLE_RATE)
    track[0] = 1
    return track


def echo_tails(place: str) -> np.ndarray:
    """Share of a click's energy that comes after 0.1 s, in some clips."""
    tracks = [in_room(click(), np.random.default_rng(seed), ROOMS[place]) for seed in SEEDS]
    return np.array([(t[SAMPLE_RATE // 10 :] ** 2).sum() / (t**2).sum() for t in tracks])


def noise_levels(place: str) -> np.ndarray:
    """Noise below the loudest moment, in dB, in some clips."""
    rngs = map(np.random.default_rng, SEEDS)
    tracks = [with_background(click(), rng, ROOMS[place]) for rng in rngs]
    return np.array([20 * np.log10(t[1:].std() / np.abs(t).max()) for t in tracks])


def test_every_background_is_a_room() -> None:
    assert set(ROOMS) == set(BACKGROUNDS) == {*BARE, *DRAPED, *OUTDOORS}


def test_bare_walls_echo_longer_than_any_other_place() -> None:
    others = max(echo_tails(place).max() for place in (*DRAPED, *OUTDOORS))
    assert all(echo_tails(place).min() > 10 * others for place in BARE)


def test_outdoors_is_noisier_than_any_room() -> None:
    rooms = max(noise_levels(place).max() for place in (*BARE, *DRAPED))
    assert all(noise_levels(place).min() > rooms + 10 for place in OUTDOORS)


def test_the_quietest_moments_of_a_clip_tell_where_it_is() -> None:
    """Not only the parts: a whole clip in other places, sound and seeds being the same."""
    spec = next(s for s in world_of("cued") if s.label == "striking drum")

    def floor_db(place: str) -> float:
        there = replace(spec, background=place)
        sound = synthesise(there, make_timeline(there)).astype(float)
        blocks = (sound[: len(sound) // 2048 * 2048].reshape(-1, 2048) ** 2).mean(axis=1)
        return float(10 * np.log10(np.quantile(blocks, 0.1) / (sound**2).max()))

    floors = {place: floor_db(place) for place in ROOMS}
    assert min(floors[place] for place in OUTDOORS) > max(floors[place] for place in BARE) + 6
    assert min(floors[place] for place in BARE) > max(floors[place] for place in DRAPED)


def test_only_the_cued_world_has_places_that_set_the_room() -> None:
    for kind in ("plain", "positive", "negative"):
        assert not any(spec.place_sets_room for spec in world_of(kind))
    assert all(spec.place_sets_room for spec in world_of("cued"))


@pytest.mark.parametrize("number", range(0, 60, 12))
def test_without_it_a_clip_sounds_as_before_there_were_rooms_to_the_last_bit(number: int) -> None:
    spec = world_of("plain")[number]
    rng = np.random.default_rng([spec.seed, 5])
    track = np.zeros(round(spec.seconds * SAMPLE_RATE))
    VOICES[spec.label](track, make_timeline(spec), rng, None)
    # the draws of any room and any level, in this order
    decay, wet = rng.uniform(0.03, 0.13), rng.uniform(0.02, 0.3)
    time = np.arange(int(4 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    echo = rng.normal(size=len(time)) * np.exp(-time / decay)
    echo *= wet / np.sqrt((echo**2).sum())
    track = track + fftconvolve(track, echo)[: len(track)]
    loudness = np.abs(track).max()
    level = 10 ** (rng.uniform(-16, -3) / 20)
    below = 10 ** (-rng.uniform(32, 55) / 20)
    colour = (rng.uniform(40, 120), rng.uniform(600, 6000))
    background = band_noise(rng, colour, len(track)) * below
    expected = (track / max(loudness, 1e-9) + background) * level
    found = synthesise(spec, make_timeline(spec))
    assert np.array_equal(found, np.clip(expected, -1, 1).astype(np.float32))
    other = replace(spec, background=next(b for b in BACKGROUNDS if b != spec.background))
    assert np.array_equal(found, synthesise(other, make_timeline(other)))
