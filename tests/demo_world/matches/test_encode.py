"""Recordings of the demo's matches, read back by the workflow's own media code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unmuted.demo_world.matches import encode
from unmuted.demo_world.matches.encode import frame_times, render_recording
from unmuted.demo_world.matches.picture import ADVERTISED, draw_frames
from unmuted.demo_world.matches.plan import FRAME_RATES, plan_matches
from unmuted.demo_world.matches.sound import synthesise
from unmuted.demo_world.matches.spec import VARIABLE, Happening, RecordingSpec
from unmuted.demo_world.matches.vocabulary import SIGNS
from unmuted.errors import UserError
from unmuted.media.frames import TimelineFrames
from unmuted.media.probe import probe
from unmuted.media.wav import read_wav

WORLD = plan_matches(3, (30, 30), 3)
# The referee appears, and whistles, at 5.3 s.
FOUL = Happening("foul", start=5.3, moment=5.3, end=6.5, seed=5)


def short(**changes: object) -> RecordingSpec:
    """A recording of eight seconds in which only a foul happens."""
    plain = {"seconds": 8.0, "events": (), "decoys": (FOUL,), "audio": "ok", "sound_from": 0.0}
    return replace(WORLD[0], **(plain | {"damage": None} | changes))


@pytest.mark.parametrize(
    ("fps", "suffix"),
    [*((fps, ".mp4") for fps in (*FRAME_RATES, VARIABLE)), (VARIABLE, ".mkv")],
)
def test_picture_and_sound_are_in_step(fps: str, suffix: str, tmp_path: Path) -> None:
    spec = short(fps=fps, sample_rate=44_100, channels=2)
    path = tmp_path / "deep" / f"recording{suffix}"
    render_recording(spec, path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    found = probe(path)
    assert not found.damage and found.packets == len(frame_times(spec))
    assert found.duration_s == pytest.approx(8.0, abs=0.1)

    timeline = TimelineFrames(path, found, 25, short_side=108)
    shown = [(time, image[78, 96].astype(int)) for time, image in timeline]  # the referee's middle
    dark = next(time for time, pixel in shown if pixel.max() < 70)
    assert dark == pytest.approx(5.3, abs=1 / 15)  # the slowest stretch of a variable rate

    wav = read_wav(path, found)
    power = np.abs(np.fft.rfft(wav.samples[: 7 * 16_000].reshape(-1, 320))) ** 2
    whistle = power[:, 53:67].sum(axis=1)  # 2650 to 3350 Hz
    first = int(np.flatnonzero(whistle > 0.25 * whistle.max())[0])
    assert first * 0.02 == pytest.approx(5.3, abs=0.05)


@pytest.mark.parametrize("fps", ["25", "50", VARIABLE])
def test_a_file_shows_what_was_drawn(fps: str, tmp_path: Path) -> None:
    spec = short(fps=fps, decoys=WORLD[0].decoys[:2])
    render_recording(spec, tmp_path / "recording.mp4")
    timeline = TimelineFrames(
        tmp_path / "recording.mp4", probe(tmp_path / "recording.mp4"), 2, short_side=108
    )
    times, images = zip(*timeline, strict=True)
    drawn = np.stack(list(draw_frames(spec, np.array(times))))
    near = np.abs(np.stack(images).astype(float) - drawn)
    assert near.mean() < 8
    assert set(np.round(times, 3)) <= set(np.round(frame_times(spec), 3))


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_format_of_the_sound(channels: int, tmp_path: Path) -> None:
    rate = 48_000 if channels == 2 else 44_100
    path = tmp_path / "recording.mp4"
    render_recording(short(sample_rate=rate, channels=channels), path)
    found = probe(path)
    assert (found.audio_hz, found.audio_channels) == (rate, channels)
    assert read_wav(path, found).status == "ok"


def test_levels_differ_as_planned(tmp_path: Path) -> None:
    levels = []
    for level in (0.0, -12.0):
        path = tmp_path / f"{level}.mp4"
        render_recording(short(level_db=level), path)
        levels.append(20 * np.log10(read_wav(path, probe(path)).samples.std()))
    assert levels[0] - levels[1] == pytest.approx(12, abs=0.5)


def test_missing_and_late_sound(tmp_path: Path) -> None:
    path = tmp_path / "recording.mp4"
    for audio in ("silent", "no_stream"):
        render_recording(short(audio=audio), path)
        assert read_wav(path, probe(path)).status == audio
    render_recording(short(audio="late", sound_from=4.0), path)
    samples = read_wav(path, probe(path)).samples
    assert np.abs(samples[: round(3.9 * 16_000)]).max() < 1e-3
    assert np.abs(samples[round(4.1 * 16_000) : round(4.5 * 16_000)]).max() > 0.01


def test_damage_costs_its_stretch_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "recording.mp4"
    render_recording(short(fps="25", damage=(4.0, 6.0)), path)
    found = probe(path)
    assert "Invalid NAL unit" in found.damage
    timeline = TimelineFrames(path, found, 5, short_side=108)
    ages = np.array([step / 5 - time for step, (time, _) in enumerate(timeline)])
    stale = np.flatnonzero(ages > 0.2) / 5
    assert 4.0 <= stale.min() < 4.5 and 5.5 < stale.max() <= 6.2
    assert timeline.warning


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    one, again = tmp_path / "a.mp4", tmp_path / "b.mp4"
    render_recording(short(damage=(4.0, 6.0)), one)
    render_recording(short(damage=(4.0, 6.0)), again)
    assert one.read_bytes() == again.read_bytes()


def test_a_failed_encoding_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(encode, "binary", lambda: "false")
    with pytest.raises(UserError, match=r"recording\.mp4: ffmpeg could not encode"):
        render_recording(short(), tmp_path / "recording.mp4")
    assert list(tmp_path.iterdir()) == []


def test_every_sign_has_a_colour_of_its_own() -> None:
    assert len(set(ADVERTISED)) == SIGNS
    shot = Happening("shot", start=4.0, moment=6.0, end=8.0, kind="Shots on target", seed=5)
    for sign in (None, 0, SIGNS - 1):
        spec = short(events=(replace(shot, sign=sign),), decoys=())
        before, during = draw_frames(spec, np.array([5.0, 6.2]))
        if sign is not None:
            assert np.array_equal(during[100, 10], ADVERTISED[sign])
        assert not np.array_equal(before[100, 10], ADVERTISED[sign or 0])


def test_picture_and_sound_of_two_matches_are_each_drawn_from_their_own() -> None:
    spec = plan_matches(1, (30, 30), 3, "negative")[0]
    times = np.arange(0, 30, 0.5)

    def drawn(one: RecordingSpec) -> tuple[np.ndarray, np.ndarray]:
        return np.stack(list(draw_frames(one, times))), synthesise(one)

    pictures, sound = drawn(spec)
    for changes, picture_is_same in (({"sound": ()}, True), ({"picture": ()}, False)):
        other_pictures, other_sound = drawn(replace(spec, **changes))
        assert np.array_equal(pictures, other_pictures) is picture_is_same
        assert np.array_equal(sound, other_sound) is not picture_is_same
    without_labels = drawn(replace(spec, events=(), decoys=()))
    assert np.array_equal(pictures, without_labels[0]) and np.array_equal(sound, without_labels[1])
