"""Pictures that ffmpeg itself picks: those that the rule in Python picks, at the same times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from media.clips import HEIGHT, WIDTH, read_number, run_ffmpeg, write_numbered_clip
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import TimelineFrames
from unmuted.media.probe import Probe, probe
from unmuted.media.step_frames import FieldsFound, StepFrames

SIZE = (WIDTH, HEIGHT)
RATES = {
    "1": 1,
    "24": 24,
    "23.976": Fraction(24_000, 1001),
    "25": 25,
    "29.97": Fraction(30_000, 1001),
    "50": 50,
    "59.94": Fraction(60_000, 1001),
}


def seen(path: Path, rate: float = 5, **how: object) -> tuple[StepFrames, np.ndarray]:
    """The reader after its iteration, and all of its pictures."""
    frames = StepFrames(path, probe(path), rate, SIZE, **how)
    return frames, np.concatenate(list(frames))


def picked_in_python(path: Path, found: Probe, rate: float = 5) -> tuple[np.ndarray, np.ndarray]:
    """Times and pictures by the rule of `unmuted.media.frames`."""
    pairs = list(TimelineFrames(path, found, rate, HEIGHT))
    return np.array([time for time, _ in pairs]), np.stack([image for _, image in pairs])


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("name", RATES)
def test_the_pictures_are_those_of_the_rule_at_every_rate(
    tmp_path: Path, name: str, suffix: str
) -> None:
    rate = RATES[name]
    clip = write_numbered_clip(tmp_path / f"a.{suffix}", range(round(3 * rate) + 1), rate)
    frames, images = seen(clip)
    times, expected = picked_in_python(clip, probe(clip))
    assert np.allclose(frames.times, times, rtol=0, atol=1e-6)
    assert np.array_equal(images, expected)
    assert frames.valid.all() and frames.warning == ""
    # Of the rule itself: the last frame that is not after the step.
    wanted = np.arange(frames.steps) / 5
    shown = np.floor(np.round(wanted * float(rate), 3)).clip(max=round(3 * rate))
    slack = 1 if suffix == "mkv" else 0  # whose times are whole milliseconds
    numbers = np.array([read_number(image) for image in images])
    assert np.abs(numbers - shown).max() <= slack


@pytest.mark.parametrize("start", [0, 37])
def test_a_variable_rate_and_a_first_frame_that_comes_late(tmp_path: Path, start: int) -> None:
    rng = np.random.default_rng(start)
    ticks = start + np.cumsum(rng.integers(1, 12, 60))
    clip = write_numbered_clip(tmp_path / "a.mkv", map(int, ticks))
    frames, images = seen(clip)
    times, expected = picked_in_python(clip, probe(clip))
    assert np.allclose(frames.times, times, rtol=0, atol=1e-6)
    assert np.array_equal(images, expected)
    for step, image in enumerate(images):
        latest = ticks[ticks <= ticks[0] + 20 * step].max()
        assert read_number(image) == latest


def test_steps_that_are_no_whole_part_of_the_frames(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "a.mp4", range(90), 30)
    frames, images = seen(clip, rate=7.5)
    assert frames.steps == len(images) == 23
    assert [read_number(image) for image in images] == [4 * i for i in range(23)]


def test_turned_pictures_and_pixels_that_are_not_square_are_seen_whole(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "a.mp4", range(25), 25)
    wide, turned = tmp_path / "wide.mp4", tmp_path / "turned.mp4"
    run_ffmpeg("-i", clip, "-vf", "scale=101:77,setsar=3/2", "-pix_fmt", "yuv444p", wide)
    run_ffmpeg("-display_rotation:v:0", 90, "-i", clip, "-c", "copy", turned)
    _, images = seen(wide)
    assert [read_number(image) for image in images] == [0, 5, 10, 15, 20]
    _, images = seen(turned)
    assert probe(turned).width < probe(turned).height
    rotated = np.rot90(images, -1, axes=(1, 2))
    assert [read_number(image) for image in rotated][:3] == [0, 5, 10]


def test_frames_with_fields_ask_for_a_deinterlacer(tmp_path: Path) -> None:
    """As where a stream changes; a stream that begins with fields is known beforehand."""
    clip = tmp_path / "a.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=size=128x72:rate=50:duration=2")
    run_ffmpeg(*source, "-vf", "tinterlace=interleave_top", "-flags", "+ildct+ilme", clip)
    found = probe(clip)
    assert found.is_interlaced
    frames = StepFrames(clip, found, 5, SIZE)
    images = np.concatenate(list(frames))
    assert "deinterlaced" in frames.note
    assert np.array_equal(images, picked_in_python(clip, found)[1])
    as_progressive = Probe(**{**found.as_json(), "is_interlaced": False})
    with pytest.raises(FieldsFound):
        list(StepFrames(clip, as_progressive, 5, SIZE))
    again = np.concatenate(list(StepFrames(clip, as_progressive, 5, SIZE, deinterlace=True)))
    assert np.array_equal(images, again)


def test_what_follows_a_damage_keeps_its_time(tmp_path: Path) -> None:
    """A second of packets is gone: its steps are not valid, those after it show the right frame."""
    clip = write_numbered_clip(
        tmp_path / "a.ts", range(200), 25, ("-c:v", "mpeg2video", "-q:v", 3, "-g", 5)
    )
    data = bytearray(clip.read_bytes())
    third = len(data) // 3 // 188 * 188
    data[third : 2 * third] = bytes(third)
    clip.write_bytes(data)
    frames, images = seen(clip)
    assert frames.warning.startswith("damaged: ") and " steps without a picture" in frames.warning
    lost = np.flatnonzero(~frames.valid)
    assert len(lost) >= 5 and lost[0] > 5 and lost[-1] < frames.steps - 5
    last = [read_number(image) for image in images[-5:]]
    assert last == [5 * step for step in range(frames.steps - 5, frames.steps)]


def test_a_gap_of_seconds_in_a_whole_file_holds_no_picture(tmp_path: Path) -> None:
    ticks = [*range(0, 100, 4), *range(700, 800, 4)]
    frames, images = seen(write_numbered_clip(tmp_path / "a.mkv", ticks))
    assert frames.warning == "" and "without a new picture" in frames.note
    assert frames.valid[:15].all() and not frames.valid[16:35].any() and frames.valid[35:].all()
    assert read_number(images[35]) == 700


def test_a_picture_a_second_is_no_gap(tmp_path: Path) -> None:
    frames, _ = seen(write_numbered_clip(tmp_path / "a.mkv", range(0, 1000, 100)))
    assert frames.valid.all() and frames.steps == 46  # the last frame is short


def test_a_file_without_any_picture_is_refused(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "a.mp4", range(50), 25)
    found = probe(clip)
    broken = tmp_path / "b.mp4"
    data = clip.read_bytes()
    place = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4 if data.index(b"moov") > place else len(data)
    broken.write_bytes(data[:place] + bytes(end - place) + data[end:])
    with pytest.raises(MediaError) as error:
        list(StepFrames(broken, found, 5, SIZE))
    assert error.value.status == "no_frames"
