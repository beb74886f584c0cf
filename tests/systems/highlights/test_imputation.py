"""What stands in for missing sound: never the recording's own, nor that of its match."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from systems.highlights.toy_matches import RATE, SOUND, recordings_of, toy_matches
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.config.highlights import LostSoundSettings, NeighbourSettings
from unmuted.errors import UserError
from unmuted.samples.folds import Generators
from unmuted.systems.highlights.generation import generate_sound, window_data, windows_of
from unmuted.systems.highlights.imputation import (
    build_bank,
    build_pool,
    retrieve_sound,
    swapped_sound,
)
from unmuted.systems.highlights.imputer import pack_bank, unpack_bank
from unmuted.systems.highlights.lost_sound import dropout_steps, missing_at, noise_patches
from unmuted.systems.shared.training import train_video_generator

NEIGHBOURS = NeighbourSettings(k=3, seconds=1.0)
LENGTH = 50
SETTINGS = VideoGeneratorSettings(
    steps=40, validate_every=20, hidden=16, bottleneck=8, batch_size=16
)


def signed(matches: int) -> list:
    """Recordings whose sound says which match they are of."""
    signed = []
    for recording in recordings_of(toy_matches(matches)):
        mark = np.zeros_like(recording.sound)
        mark[:, -1] = 100 + int(recording.match[1:])
        signed.append(replace(recording, sound=mark))
    return signed


def test_sound_is_looked_up_in_other_matches_that_look_alike() -> None:
    recordings = signed(4)
    bank = build_bank(recordings, RATE, NEIGHBOURS)
    for recording in recordings:
        found = retrieve_sound(recording, bank, RATE, NEIGHBOURS)
        marks = found[:, -1]
        assert found.shape == recording.sound.shape
        assert (marks >= 100).all()
        own = 100 + int(recording.match[1:])
        without = [r for r in recordings if r.match != recording.match]
        same = retrieve_sound(recording, build_bank(without, RATE, NEIGHBOURS), RATE, NEIGHBOURS)
        assert np.abs(found - same).max() < 15  # other standardisation, but no own sound
        assert not np.isclose(marks, own).all()


def test_a_copy_in_another_match_is_the_nearest() -> None:
    first, second, *others = signed(3)
    copy = replace(first, name="m9-1", match="m9")
    bank = build_bank([first, second, *others], RATE, NEIGHBOURS)
    near = retrieve_sound(copy, bank, RATE, NeighbourSettings(k=1, seconds=1.0))
    assert (near[:, -1] == 100).mean() > 0.99


def test_planted_sound_of_the_own_match_is_not_looked_up() -> None:
    recordings = signed(3)
    spoiled = [replace(r, sound=r.sound + 1e6) if r.match == "m0" else r for r in recordings]
    found = retrieve_sound(recordings[0], build_bank(spoiled, RATE, NEIGHBOURS), RATE, NEIGHBOURS)
    assert found.max() < 1e5


def test_swapped_sound_is_of_another_match_whatever_the_order() -> None:
    recordings = signed(4)
    pool = build_pool(recordings)
    again = build_pool(recordings[::-1])
    for recording in recordings:
        sound = swapped_sound(recording, pool, seed=0)
        assert sound.shape == recording.sound.shape
        assert sound[0, -1] != 100 + int(recording.match[1:])
        np.testing.assert_array_equal(sound, swapped_sound(recording, again, seed=0))


def test_one_match_alone_has_nothing_to_borrow() -> None:
    recordings = signed(1)
    with pytest.raises(UserError, match="no other training match has sound"):
        swapped_sound(recordings[0], build_pool(recordings), 0)
    bank = build_bank(recordings, RATE, NEIGHBOURS)
    with pytest.raises(UserError, match="no other training match has sound"):
        retrieve_sound(recordings[0], bank, RATE, NEIGHBOURS)
    silent = [replace(r, has_sound=np.zeros(r.steps, bool)) for r in recordings]
    with pytest.raises(UserError, match="no sound to look up"):
        build_bank(silent, RATE, NEIGHBOURS)


def test_a_bank_is_read_as_it_was_written() -> None:
    recordings = signed(3)
    bank, pool = build_bank(recordings, RATE, NEIGHBOURS), build_pool(recordings)
    read_bank, read_pool = unpack_bank(pack_bank(bank, pool))
    np.testing.assert_array_equal(bank.match, read_bank.match)
    np.testing.assert_allclose(bank.sound, read_bank.sound, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(pool.matches, read_pool.matches)


def test_generated_sound_is_out_of_fold_by_match() -> None:
    recordings = recordings_of(toy_matches(4))
    fold_of = {"m0": 0, "m1": 0, "m2": 1, "m3": 1}
    states = {}
    for fold in (0, 1):
        read = [r for r in recordings if fold_of[r.match] != fold]
        data = window_data(read, windows_of(read, LENGTH), LENGTH)
        states[fold], _ = train_video_generator(data, SETTINGS, 0)
    generators = Generators.of(states)
    for recording in recordings[:1]:
        sound = generate_sound(recording, generators, fold_of, LENGTH, 0)
        assert sound.shape == (recording.steps, SOUND)
        assert np.isfinite(sound).all()
        # The planted leak: the generator of the wrong fold has read the match, and says so.
        swapped = Generators.of({0: states[1], 1: states[0]})
        with pytest.raises(UserError, match="must be out of fold"):
            generate_sound(recording, swapped, fold_of, LENGTH, 0)
    (new, _) = recordings_of(toy_matches(1, 9))
    parts = [
        generate_sound(new, Generators.of({0: state}), {}, LENGTH, 0) for state in states.values()
    ]
    average = generate_sound(new, generators, fold_of, LENGTH, 0)
    np.testing.assert_allclose(average, np.mean(parts, axis=0), atol=1e-5)


def test_masks_are_nested_and_exact() -> None:
    names = [f"match-{i}" for i in range(8)]
    masks = [missing_at(names, rate, seed=3) for rate in (0, 0.25, 0.5, 0.75, 1)]
    assert [mask.sum() for mask in masks] == [0, 2, 4, 6, 8]
    for lower, higher in pairwise(masks):
        assert (higher | ~lower).all()
    assert (missing_at(names[::-1], 0.5, 3)[::-1] == masks[2]).all()
    assert (missing_at(names, 0.5, 4) != masks[2]).any()


def test_a_dropout_is_one_stretch_of_the_length_asked_for() -> None:
    settings = LostSoundSettings(dropout=(30, 40))
    lost = dropout_steps("key", 2000, RATE, settings)
    assert 150 <= lost.sum() <= 200
    assert np.abs(np.diff(lost.astype(int))).sum() <= 2
    assert (lost == dropout_steps("key", 2000, RATE, settings)).all()
    assert (lost != dropout_steps("other", 2000, RATE, settings)).any()
    assert dropout_steps("key", 20, RATE, settings).all()


def test_noise_is_as_loud_as_it_should_be() -> None:
    noise = np.concatenate(list(noise_patches("key", -40.0, (2500, 20, 64), 0)))
    assert noise.shape == (2500, 20, 64)
    power = 10 ** (noise / 10)
    assert 10 * np.log10(power.mean()) == pytest.approx(-40, abs=0.1)
