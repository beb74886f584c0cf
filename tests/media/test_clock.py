"""Time stamps that jump: joined recordings play without the jump, on one clock."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from media.clips import HEIGHT, numbered_picture, read_number, run_ffmpeg, write_numbered_clip
from unmuted.media.clock import Continuity
from unmuted.media.ffmpeg import MediaError
from unmuted.media.framecrc import Listing
from unmuted.media.frames import read_frames
from unmuted.media.probe import Limits, Probe, probe
from unmuted.media.wav import read_wav

FRAMES, RATE = 30, 25  # of a part
SECONDS = FRAMES / RATE
PITCHES = (400, 1200, 2600)

TS = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "aac")
PROGRAM = ("-c:v", "mpeg2video", "-q:v", "3", "-bf", "2", "-pix_fmt", "yuv420p", "-c:a", "mp2")


def write_joined(
    path: Path,
    starts: tuple[float, ...],
    options: tuple[object, ...] = TS,
    muxer: str = "mpegts",
    has_sound: bool = True,
) -> Path:
    """Write parts one behind the other, the time stamps of each from a start of its own on.

    Pictures count on through the parts; the pitch of the sound tells the part.
    """
    whole = b""
    for number, start in enumerate(starts):
        first = number * FRAMES
        data = b"".join(numbered_picture(first + i).tobytes() for i in range(FRAMES))
        part = path.with_name(f"{path.name}.{number}")
        sound = f"sine=f={PITCHES[number]}:d={SECONDS}:sample_rate=48000"
        run_ffmpeg(
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "128x72", "-r", RATE, "-i", "-"),
            *(("-f", "lavfi", "-i", sound) if has_sound else ()),
            *(*options, "-output_ts_offset", start, "-muxdelay", "0", "-muxpreload", "0"),
            *("-f", muxer, part),
            data=data,
        )
        whole += part.read_bytes()
    path.write_bytes(whole)
    return path


def shown_numbers(clip: Path, found: Probe, steps: int) -> list[int]:
    return [read_number(image) for image in read_frames(clip, found, steps, HEIGHT).images]


def check_parts(clip: Path, found: Probe, parts: int) -> None:
    """Each frame is shown in its turn, and the pitch changes when the pictures do."""
    steps = parts * FRAMES
    assert found.duration_s == pytest.approx(parts * SECONDS, abs=0.1)
    numbers = shown_numbers(clip, found, steps)
    assert numbers == sorted(numbers) and len(set(numbers)) >= steps - 2 * parts
    wav = read_wav(clip, found)
    assert wav.status == "ok"
    samples = wav.samples.astype(float)
    assert len(samples) == round(found.duration_s * 16000)
    for part in range(parts):
        middle = samples[
            round((part + 0.2) * SECONDS * 16000) : round((part + 0.8) * SECONDS * 16000)
        ]
        peak = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))).argmax() * 16000 / len(middle)
        assert peak == pytest.approx(PITCHES[part], abs=5)


@pytest.mark.parametrize(
    "starts",
    [(0, 1000), (0, 0), (1000, 0), (0, 0, 0), (0, 1000, 300), (5000, 4990, 0), (0, 80_000)],
    ids=str,
)
def test_parts_of_a_joined_stream_follow_each_other(
    starts: tuple[float, ...], tmp_path: Path
) -> None:
    clip = write_joined(tmp_path / "a.ts", starts)
    found = probe(clip)
    assert found.is_bridged and "jump" in found.note and "bridged" in found.note
    check_parts(clip, found, len(starts))
    assert read_frames(clip, found, 3, HEIGHT).note == found.note


@pytest.mark.parametrize("starts", [(0, 500), (0, 0)], ids=str)
def test_program_streams(starts: tuple[float, ...], tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "a.mpg", starts, PROGRAM, "mpeg")
    found = probe(clip)
    assert found.is_bridged
    check_parts(clip, found, len(starts))


def test_pictures_without_sound(tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "a.ts", (0, 1000), has_sound=False)
    found = probe(clip)
    assert found.duration_s == pytest.approx(2 * SECONDS, abs=0.1)
    assert shown_numbers(clip, found, 2 * FRAMES)[-1] == 2 * FRAMES - 1


def test_a_stream_that_goes_on_is_no_jump(tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "a.ts", (0, SECONDS))
    found = probe(clip)
    assert not found.is_bridged and found.note == ""
    check_parts(clip, found, 2)


def test_a_gap_that_is_no_jump_stays_and_is_told(tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "a.ts", (0, 6))
    found = probe(clip)
    assert not found.is_bridged
    assert found.duration_s == pytest.approx(6 + SECONDS, abs=0.1)
    assert re.search(r"no new picture for 4\.\d+ s, 1\.\d+ s after", found.note)
    assert shown_numbers(clip, found, 8)[3] == FRAMES - 1  # the last before the gap


def test_without_the_jump_it_may_still_be_too_long(tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "a.ts", (0, 1000))
    assert probe(clip, Limits(max_seconds=3)).duration_s < 3
    with pytest.raises(MediaError, match="too_long"):
        probe(clip, Limits(max_seconds=2))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_containers_that_keep_a_jump_name_it(name: str, tmp_path: Path) -> None:
    ticks = [*range(25), *range(2500, 2525)]
    clip = write_numbered_clip(tmp_path / name, ticks, 25)
    with pytest.raises(MediaError, match="too_long") as finding:
        probe(clip)
    assert re.search(r"jump forward by 99|no new picture for 99", finding.value.reason)
    found = probe(clip, Limits(max_seconds=200))
    assert found.duration_s == pytest.approx(101, abs=0.1) and not found.is_bridged
    assert re.search(r"jump forward by 99|no new picture for 99", found.note)


def test_a_joined_matroska_file_says_that_its_time_goes_back(tmp_path: Path) -> None:
    clip = write_joined(tmp_path / "a.mkv", (0, 0), muxer="matroska")
    found = probe(clip)
    assert "jump back" in found.note and not found.is_bridged
    assert found.duration_s == pytest.approx(SECONDS, abs=0.1)


def test_continuity() -> None:
    clock = Continuity()
    times = (0, 1, 2.5, 1000, 1001, 3)
    packets = [f"0, {int(1000 * time)}, {int(1000 * time)}, 40, 9, 0x00\n" for time in times]
    for entry in Listing().entries(["#tb 0: 1/1000\n", *packets]):
        clock.add(entry)
    assert clock.jumps == 2
    assert float(clock.jump) == pytest.approx(997.46) and float(clock.jumps_at) == pytest.approx(
        2.54
    )
    assert (clock.gap, clock.gap_at) == (1.5, 1)
    assert str(clock) == "the time stamps jump forward by 997.46 s after 2.54 s and 1 times more"
    assert str(Continuity()) == ""


@pytest.mark.parametrize(
    "line",
    [
        "[vost#0:0/copy @ 0x55] [warning] Non-monotonic DTS; previous: 129600, current: 3600; "
        "changing to 129600.",
        "[framecrc @ 0x55] [warning] Non-monotonous DTS in output stream 0:0; previous: 129600, "
        "current: 3600; changing to 129600.",
    ],
)
def test_steps_back_are_read_from_the_log(line: str) -> None:
    """In the words of ffmpeg 9 and 5.1."""
    tick = Fraction(1, 90000)
    other, slight, clock = Continuity(), Continuity(), Continuity()
    other.add_steps_back(line, 1, tick)
    slight.add_steps_back(line.replace("current: 3600", "current: 129000"), 0, tick)
    clock.add_steps_back(line, 0, tick)
    assert (other.jumps, slight.jumps, clock.jumps) == (0, 0, 1)
    assert clock.jump == pytest.approx(-1.4)
