"""The demo's clips: what is drawn and heard agrees with what is said to be true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import spectrogram

from unmuted.demo_world.motion import approach, make_timeline
from unmuted.demo_world.plan import ClipSpec, plan_world
from unmuted.demo_world.render import PALETTE, render_clip, render_frames
from unmuted.demo_world.sound import synthesise
from unmuted.demo_world.synthesis import SAMPLE_RATE
from unmuted.demo_world.vocabulary import CLASSES

WORLD = plan_world(None, 12, 5, 3.0)
LOOK_ALIKE = [
    (one.name, other.name)
    for index, one in enumerate(CLASSES)
    for other in CLASSES[index + 1 :]
    if one.scene == other.scene
]


def with_sound(label: str) -> list[ClipSpec]:
    return [spec for spec in WORLD if spec.label == label and spec.audio == "ok"]


@pytest.mark.parametrize("action", CLASSES, ids=lambda action: action.name)
def test_a_clip_has_its_shapes_and_its_object(action) -> None:
    spec = with_sound(action.name)[0]
    clip = render_clip(spec)
    count = round(spec.rate * 3)
    assert clip.frames.shape == (count, 144, 192, 3) and clip.frames.dtype == np.uint8
    assert clip.masks.shape == (count, 144, 192) and clip.masks.dtype == bool
    assert clip.audio.shape == (3 * SAMPLE_RATE,) and clip.audio.dtype == np.float32
    assert 0.01 < np.abs(clip.audio).max() <= 1
    shares = clip.masks.mean(axis=(1, 2))
    assert shares.min() > 0.01 and shares.max() < 0.35
    assert clip.truth["visible"]["colour"] in clip.truth["caption"]


@pytest.mark.parametrize("colour", PALETTE)
def test_the_masked_object_has_the_colour_that_the_truth_names(colour: str) -> None:
    """The nearest palette colour, brightness aside, of the masked pixels' median."""
    world = plan_world(None, 40, 5, 3.0)
    spec = next(s for s in world if s.colour == colour and s.scene in ("strike", "knock"))
    frames, masks = render_frames(spec, [spec.frame_count // 2])
    seen = np.median(frames[0][masks[0]], axis=0)

    def distance(name: str) -> float:
        ideal = np.array(PALETTE[name])
        return float(np.linalg.norm(seen / seen.max() - ideal / ideal.max()))

    assert min(PALETTE, key=distance) == colour


@pytest.mark.parametrize("pair", LOOK_ALIKE, ids=" / ".join)
def test_look_alike_classes_differ_only_in_sound(pair: tuple[str, str]) -> None:
    spec = replace(with_sound(pair[0])[0], cue=False)
    twin = replace(spec, label=pair[1])
    indices = [5, 30, 50]
    assert np.array_equal(render_frames(spec, indices)[0], render_frames(twin, indices)[0])
    sounds = [synthesise(each, make_timeline(each)) for each in (spec, twin)]
    spectra = [np.log(spectrogram(each, SAMPLE_RATE)[2] + 1e-9).ravel() for each in sounds]
    assert np.corrcoef(spectra)[0, 1] < 0.9


def test_the_cue_is_small_and_only_seen_while_something_pours() -> None:
    spec = with_sound("pouring coins")[0]
    start, end = make_timeline(spec).spans[0]
    shown, plain = replace(spec, cue=True), replace(spec, cue=False)
    during = [int((start + end) / 2 * spec.rate)]
    before = [int((start - 0.05) * spec.rate)]
    different = (render_frames(shown, during)[0] != render_frames(plain, during)[0]).any(axis=-1)
    assert 0.0003 < different.mean() < 0.01
    assert np.array_equal(render_frames(shown, before)[0], render_frames(plain, before)[0])


def test_a_frame_alone_is_the_frame_of_the_whole_clip() -> None:
    spec = WORLD[17]
    clip = render_clip(spec)
    frames, masks = render_frames(spec, [40, 3])
    assert np.array_equal(frames, clip.frames[[40, 3]])
    assert np.array_equal(masks, clip.masks[[40, 3]])


IMPACTS = ["striking drum", "knocking on door", "bouncing ball", "shaking maraca", "jingling keys"]


@pytest.mark.parametrize("label", [*IMPACTS, "ringing bell", "running engine", "blowing whistle"])
def test_sound_starts_at_the_first_event(label: str) -> None:
    for spec in with_sound(label)[:3]:
        timeline = make_timeline(spec)
        audio = synthesise(spec, timeline).astype(float)
        first = int(timeline.events[0] * SAMPLE_RATE)
        window = int(0.08 * SAMPLE_RATE)
        before = np.mean(audio[first - 2 * window : first - window] ** 2)
        assert np.mean(audio[first : first + window] ** 2) > 5 * before


@pytest.mark.parametrize("label", IMPACTS[:3])
def test_every_impact_is_heard(label: str) -> None:
    spec = with_sound(label)[1]
    timeline = make_timeline(spec)
    audio = synthesise(spec, timeline).astype(float)
    attack = int(0.02 * SAMPLE_RATE)
    for event in timeline.events:
        at = int(event * SAMPLE_RATE)
        assert np.sum(audio[at : at + attack] ** 2) > 2 * np.sum(audio[at - attack : at] ** 2)


def test_impacts_are_seen_at_the_times_of_the_truth() -> None:
    """A bouncing thing is lowest at its events, and clearly higher half way between two."""
    for spec in [s for s in WORLD if s.label == "bouncing ball"][:4]:
        times = np.array(make_timeline(spec).events)[:3]
        between = (times[:-1] + times[1:]) / 2

        def lowest(moments: np.ndarray, spec: ClipSpec = spec) -> np.ndarray:
            _, masks = render_frames(spec, [round(t * float(spec.rate)) for t in moments])
            return np.array([np.flatnonzero(mask.any(axis=1)).max() for mask in masks])

        assert lowest(between).max() < lowest(times).min() - 8


def test_a_striking_hand_is_in_contact_exactly_at_the_events() -> None:
    events = (0.5, 1.4)
    assert [approach(events, t, 0.2, 0.3) for t in events] == [1, 1]
    assert approach(events, 0.0, 0.2, 0.3) == 0 == approach(events, 1.0, 0.2, 0.3)
    assert 0 < approach(events, 0.4, 0.2, 0.3) < approach(events, 0.48, 0.2, 0.3) < 1


def test_silent_and_missing_sound() -> None:
    spec = WORLD[0]
    silent = render_clip(replace(spec, audio="silent"))
    missing = render_clip(replace(spec, audio="no_stream"))
    assert not silent.audio.any() and len(silent.audio) == 3 * SAMPLE_RATE
    assert missing.audio is None
    assert np.array_equal(silent.frames, missing.frames)


def test_sound_tells_the_classes_apart() -> None:
    """Leave-one-out nearest neighbour on mean log spectra: sound must beat sight (at most 65 %)."""
    features, labels = [], []
    for action in CLASSES:
        for spec in with_sound(action.name):
            audio = synthesise(spec, make_timeline(spec))
            power = spectrogram(audio, SAMPLE_RATE, nperseg=1024)[2]
            edges = np.unique(np.geomspace(2, 400, 24).astype(int))
            bands = np.split(power, edges, axis=0)
            levels = np.log(np.stack([band.mean(axis=0) for band in bands]) + 1e-9)  # (bands, t)
            profile = np.concatenate([levels.max(axis=1), levels.mean(axis=1)])
            features.append(profile - profile.mean())
            labels.append(action.name)
    table, names = np.stack(features), np.array(labels)
    distances = np.linalg.norm(table[:, None] - table[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(names[distances.argmin(axis=1)] == names) > 0.85
