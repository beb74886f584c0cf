"""The source's frame sampling selects frame rates; that of the workflow keeps every clip."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.clips import HEIGHT, read_number, write_numbered_clip
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import FRAME_RATES, plan_world
from unmuted.media.every_nth import keep_every_nth, read_every_nth
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import read_frames
from unmuted.media.probe import probe

T, RATE = 18, 6
# Frames that a clip of 3 s gives, by frames a second of its container.
GIVEN = {"24": 18, "24000/1001": 24, "25": 19, "30000/1001": 23, "30": 18, "60": 18}
CONTAINERS = ("mp4", "mkv")  # the second counts in milliseconds


def numbers_by_opencv(clip: Path) -> list[int]:
    """What the source's tool takes from a clip: OpenCV's word on the rate, OpenCV's frames."""
    capture = cv2.VideoCapture(str(clip))
    numbers = []
    while (frame := capture.read())[0]:
        numbers.append(read_number(frame[1]))
    return numbers[:: int(capture.get(cv2.CAP_PROP_FPS) / RATE)]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("fps", GIVEN)
def test_frames_are_those_that_opencv_gives(fps: str, container: str, tmp_path: Path) -> None:
    rate = Fraction(fps)
    clip = write_numbered_clip(tmp_path / f"clip.{container}", range(round(3 * rate)), rate)
    expected = numbers_by_opencv(clip)
    assert len(expected) == GIVEN[fps]
    sample = read_every_nth(clip, probe(clip), len(expected), HEIGHT, RATE)
    assert [read_number(image) for image in sample.images] == expected
    assert np.allclose(sample.timestamps, [float(n / rate) for n in expected], atol=2e-3)


@pytest.mark.parametrize("fps", FRAME_RATES)
def test_only_some_frame_rates_of_the_built_in_world_are_kept(fps: str, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(replace(plan_world(None, 8, 3, 3.0)[0], fps=fps), clip)
    found = probe(clip)
    assert len(read_frames(clip, found, T, HEIGHT).images) == T
    if GIVEN[fps] == T:
        assert len(read_every_nth(clip, found, T, HEIGHT, RATE).images) == T
        return
    with pytest.raises(MediaError) as finding:
        read_every_nth(clip, found, T, HEIGHT, RATE)
    assert finding.value.status == "wrong_frame_count"
    assert finding.value.reason.startswith(f"{GIVEN[fps]} frames, expected 18: ")
    assert finding.value.reason.endswith(f"at {float(Fraction(fps)):g} fps")


def test_below_the_wanted_rate_nothing_is_given(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(15), 5)
    with pytest.raises(MediaError) as finding:
        read_every_nth(clip, probe(clip), T, HEIGHT, RATE)
    assert finding.value.status == "wrong_frame_count"
    assert finding.value.reason == "no frames, expected 18: one in int(5 / 6) = 0, at 5 fps"
    assert len(read_every_nth(clip, probe(clip), 15, HEIGHT, rate=5).images) == 15


def test_too_short_is_refused_as_well(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(48), 24)
    with pytest.raises(MediaError) as finding:
        read_every_nth(clip, probe(clip), T, HEIGHT, RATE)
    reason = "12 frames, expected 18: of 48 one in int(24 / 6) = 4, at 24 fps"
    assert (finding.value.status, finding.value.reason) == ("wrong_frame_count", reason)


@given(
    times=st.lists(st.integers(0, 50), max_size=80),
    interval=st.integers(1, 20),
    steps=st.integers(1, 30),
)
def test_keep_every_nth(times: list[int], interval: int, steps: int) -> None:
    """Also for frames out of order: they are counted, and no time falls."""
    pictures = [np.full((1, 1, 3), number, dtype=np.uint8) for number in range(len(times))]
    images, timestamps = np.zeros((steps, 1, 1, 3), dtype=np.uint8), np.zeros(steps)
    frames = zip(map(float, times), pictures, strict=True)
    assert keep_every_nth(frames, interval, images, timestamps) == len(times)
    kept = list(range(len(times)))[::interval][:steps]
    assert images[: len(kept), 0, 0, 0].tolist() == kept
    assert timestamps[: len(kept)].tolist() == [max(times[: number + 1]) for number in kept]
    assert not images[len(kept) :].any()
