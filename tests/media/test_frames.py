"""The right frame at the right time, upright, in bounded memory."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.clips import HEIGHT, WIDTH, read_number, run_ffmpeg, write_numbered_clip
from unmuted.media import process
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import MAX_ASPECT, keep_shown, read_frames, sample_times, scaled_size
from unmuted.media.probe import Limits, probe

T = 18


@given(
    start=st.floats(-100, 1000),
    duration=st.floats(0.01, 600),
    steps=st.integers(1, 400),
)
def test_sample_times_are_the_middles_of_equal_parts(
    start: float, duration: float, steps: int
) -> None:
    times = sample_times(start, duration, steps)
    assert times.dtype == np.float64 and times.shape == (steps,)
    part = duration / steps
    tolerance = 1e-9 * (1 + abs(start) + duration)
    assert abs(times[0] - (start + part / 2)) < tolerance
    assert abs(times[-1] - (start + duration - part / 2)) < tolerance
    assert np.allclose(np.diff(times), part, rtol=0, atol=tolerance)


@given(width=st.integers(1, 10_000), height=st.integers(1, 10_000), short_side=st.integers(16, 512))
def test_scaled_size(width: int, height: int, short_side: int) -> None:
    new = scaled_size(width, height, short_side)
    assert min(new) >= 1 and max(new) <= MAX_ASPECT * short_side
    aspect = max(width, height) / min(width, height)
    if aspect <= MAX_ASPECT:
        assert min(new) == short_side
    else:
        assert max(new) == MAX_ASPECT * short_side
    assert (new[0] >= new[1]) == (width >= height) or new[0] == new[1]
    assert abs(new[0] * height - new[1] * width) <= max(
        width, height
    )  # shape kept but for rounding


@given(
    times=st.lists(st.integers(0, 50), min_size=1, max_size=30),
    wanted=st.lists(st.integers(-5, 60), min_size=1, max_size=20).map(sorted),
)
def test_keep_shown(times: list[int], wanted: list[int]) -> None:
    """Also for frames out of order: of those that have come, the one with the latest time."""
    pictures = [np.full((1, 1, 3), time, dtype=np.uint8) for time in times]
    images = np.empty((len(wanted), 1, 1, 3), dtype=np.uint8)
    timestamps = np.empty(len(wanted))
    frames = zip(map(float, times), pictures, strict=True)
    assert keep_shown(frames, np.array(wanted), images, timestamps) == len(times)
    latest = [time for i, time in enumerate(times) if time > max(times[:i], default=-1)]
    shown = [max((time for time in latest if time <= t), default=latest[0]) for t in wanted]
    assert timestamps.tolist() == shown
    assert images[:, 0, 0, 0].tolist() == shown


RATES = (5, 24, Fraction(24000, 1001), 25, Fraction(30000, 1001), 30, 60, 120)


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_constant_rates(rate: Fraction | int, tmp_path: Path) -> None:
    count = round(3 * rate)
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(count), rate)
    found = probe(clip)
    assert found.duration_s == pytest.approx(float(count / Fraction(rate)), abs=1e-6)
    assert found.fps == pytest.approx(float(rate), rel=1e-6)
    sample = read_frames(clip, found, T, HEIGHT)
    # In frames, the middle of part i is (2i + 1) * count / 2T: no rate enters, nothing is rounded.
    shown = [(2 * i + 1) * count // (2 * T) for i in range(T)]
    assert [read_number(image) for image in sample.images] == shown
    assert np.allclose(sample.timestamps, [float(n / Fraction(rate)) for n in shown], atol=2e-6)
    assert (sample.decoded, sample.warning) == (count, "")
    assert sample.images.shape == (T, HEIGHT, WIDTH, 3) and sample.images.dtype == np.uint8


CONTAINERS = {
    "mp4": ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"),
    "mkv": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "webm": (
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-auto-alt-ref",
        "1",
        "-lag-in-frames",
        "5",
    ),
    "ts": ("-c:v", "libx264", "-preset", "ultrafast"),
    "mov": ("-c:v", "mjpeg", "-strict", "unofficial"),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("seed", [1, 2])
def test_variable_rates(container: str, seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    ticks = sorted({0, *random.choice(np.arange(1, 100), size=25, replace=False).tolist()})
    ticks = [tick for tick in ticks if not 40 <= tick < 70]  # a long still
    clip = write_numbered_clip(tmp_path / f"clip.{container}", ticks, 100, CONTAINERS[container])
    found = probe(clip)
    sample = read_frames(clip, found, T, HEIGHT)
    wanted = sample_times(0.0, found.duration_s, T) * 100  # in ticks
    shown = [max(tick for tick in ticks if tick <= time + 1e-3) for time in wanted]
    assert [read_number(image) for image in sample.images] == shown
    assert np.allclose(sample.timestamps, np.array(shown) / 100, atol=1.1e-3)
    assert sample.decoded == len(ticks)


def test_a_stream_that_does_not_begin_at_zero(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mkv", range(20, 70), 25)
    found = probe(clip)
    sample = read_frames(clip, found, 5, HEIGHT)
    assert found.start_s == pytest.approx(0.8, abs=1e-3)
    assert [read_number(image) for image in sample.images] == [25, 35, 45, 55, 65]
    assert np.allclose(sample.timestamps, [0.2, 0.6, 1.0, 1.4, 1.8], atol=1.1e-3)


def test_frames_outside_the_edit_list_are_not_shown(tmp_path: Path) -> None:
    """A cut without re-encoding keeps the frames from the last key frame on; players skip them."""
    long_groups = ("-c:v", "libx264", "-g", "50", "-bf", "2")
    whole = write_numbered_clip(tmp_path / "whole.mp4", range(100), 25, long_groups)
    run_ffmpeg("-ss", "1.32", "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    found = probe(tmp_path / "cut.mp4")
    sample = read_frames(tmp_path / "cut.mp4", found, 67, HEIGHT)
    assert found.duration_s == pytest.approx(67 / 25, abs=0.001)
    assert [read_number(image) for image in sample.images] == list(range(33, 100))


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_pictures_stand_upright(degrees: int, tmp_path: Path) -> None:
    """Filmed with the camera turned: the picture lies, and the display matrix says by how much."""
    turn = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}[degrees]
    stored = tmp_path / "stored.mp4"
    options = ("-c:v", "libx264", "-preset", "ultrafast", "-vf", f"{turn}")
    upright = write_numbered_clip(tmp_path / "upright.mp4", range(0b100101, 0b100101 + 1), 25)
    run_ffmpeg("-i", upright, *options, stored)
    run_ffmpeg("-display_rotation", -degrees, "-i", stored, "-c", "copy", tmp_path / "turned.mp4")
    found = probe(tmp_path / "turned.mp4")
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    sample = read_frames(tmp_path / "turned.mp4", found, 2, 144)
    assert sample.images.shape == (2, 144, 256, 3)
    assert [read_number(image) for image in sample.images] == [0b100101] * 2


def test_oblong_pixels_become_square(tmp_path: Path) -> None:
    wide = ("-c:v", "libx264", "-preset", "ultrafast", "-aspect", "32:9")
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(10), 25, wide)
    found = probe(clip)
    assert (found.width, found.height) == (2 * WIDTH, HEIGHT)
    sample = read_frames(clip, found, 1, HEIGHT)
    assert sample.images.shape == (1, HEIGHT, 2 * WIDTH, 3)
    assert read_number(sample.images[0]) == 5


def test_very_wide_pictures_are_bounded(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=1840x200:d=0.2:r=25", tmp_path / "piano.mp4")
    found = probe(tmp_path / "piano.mp4")
    assert (found.width, found.height) == (1840, 200)
    assert read_frames(tmp_path / "piano.mp4", found, 2, 64).images.shape == (2, 56, 512, 3)


def test_colours_and_orientation(tmp_path: Path) -> None:
    quarters = "color=red:s=64x64:d=0.4,drawbox=w=32:h=32:c=blue:t=fill"
    run_ffmpeg("-f", "lavfi", "-i", quarters, "-pix_fmt", "yuv444p", tmp_path / "clip.mp4")
    image = read_frames(tmp_path / "clip.mp4", probe(tmp_path / "clip.mp4"), 1, 64).images[0]
    assert np.allclose(image[8, 8], [0, 0, 255], atol=8)  # red, green, blue
    assert np.allclose(image[8, 56], [255, 0, 0], atol=8)
    assert np.allclose(image[56, 8], [255, 0, 0], atol=8)


def test_one_frame_fills_every_step(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", [0], 25)
    sample = read_frames(clip, probe(clip), T, HEIGHT)
    assert len(sample.images) == T and (sample.images == sample.images[0]).all()
    assert (sample.timestamps == 0).all()


def test_memory_holds_the_chosen_frames_only(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(400), 100)
    found = probe(clip)
    frame = 360 * 640 * 3
    tracemalloc.start()
    sample = read_frames(clip, found, 4, 360)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sample.decoded == 400
    assert peak < 9 * frame  # 400 frames would be 400


def test_the_same_bytes_again(shared: Path) -> None:
    clip = shared / "bad_media" / "corrupt_middle.mp4"  # concealed pictures too
    found = probe(clip)
    first, second = (read_frames(clip, found, T, 64) for _ in range(2))
    assert (first.images == second.images).all()
    assert first.warning == second.warning != ""


def test_a_file_cut_off_says_how_much_is_left(tmp_path: Path) -> None:
    whole = write_numbered_clip(
        tmp_path / "whole.mp4", range(75), 25, ("-c:v", "mjpeg", "-movflags", "+faststart")
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    found = probe(cut)
    sample = read_frames(cut, found, T, HEIGHT)
    assert 25 < sample.decoded < 50
    assert found.duration_s == pytest.approx(found.packets / 25)
    assert f"{sample.decoded} of 75 frames" in sample.warning
    assert read_number(sample.images[-1]) < sample.decoded


def test_undecodable_pictures_are_a_finding(tmp_path: Path) -> None:
    whole = write_numbered_clip(tmp_path / "whole.mp4", range(25), 25)
    data = bytearray(whole.read_bytes())
    begin = data.index(b"mdat") + 4
    data[begin : data.index(b"moov") - 4] = bytes(data.index(b"moov") - 4 - begin)
    (tmp_path / "zeros.mp4").write_bytes(data)
    with pytest.raises(MediaError) as finding:
        probe(tmp_path / "zeros.mp4")
    assert finding.value.status == "no_frames"
    with pytest.raises(MediaError) as finding:
        read_frames(tmp_path / "zeros.mp4", probe(whole), T, HEIGHT)
    assert finding.value.status == "no_frames"


def test_the_time_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE", 1000)  # the machine may be busy
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(300), 100)
    with pytest.raises(MediaError) as finding:
        read_frames(clip, probe(clip), T, 720, Limits(timeout_s=0.02))
    assert finding.value.status == "timeout"
