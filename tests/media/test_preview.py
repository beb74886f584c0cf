"""Copies of videos for a browser: playable, bounded, whole, and with another sound under them."""

from __future__ import annotations

import re
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from media.clips import read_number, run_ffmpeg, write_clip_with_sound, write_numbered_clip
from unmuted.media.decoder import DecodedFrames
from unmuted.media.ffmpeg import MediaError, binary
from unmuted.media.preview import make_preview, write_with_sound
from unmuted.media.probe import Limits, probe
from unmuted.media.wav import read_wav, write_wav

pytestmark = pytest.mark.unit
LIMITS = Limits(max_seconds=8000)
RATE = 16_000
H264 = re.compile(r"Video: h264 \((?:Constrained Baseline|Main|High)\).*, yuv420p[(,]")


def copied(path: Path, folder: Path, side: int = 320, seconds: float = 30) -> tuple[Path, bool]:
    """Copy a video; return the copy, checked for what browsers need, and if it was encoded."""
    found = probe(path, LIMITS)
    track = found.audio_tracks[0].index if found.audio_tracks else None
    copy = make_preview(path, found, track, side, seconds, LIMITS)
    target = folder / f"copy of {path.stem}.mp4"
    copy.write(target)
    after = probe(target, LIMITS)
    assert_browsers_play(target, has_sound=track is not None)
    assert max(after.width, after.height) <= side
    assert after.duration_s <= min(found.duration_s, seconds) + 1 / after.fps + 1e-6
    assert copy.is_whole == (found.duration_s <= seconds)
    assert abs(copy.seconds - after.duration_s) <= 1 / after.fps + 1e-6
    return target, copy.is_encoded


def assert_browsers_play(path: Path, has_sound: bool) -> None:
    """One H.264 stream in yuv420p, at most one of AAC, and the index before the data."""
    done = subprocess.run([binary(), "-i", str(path)], capture_output=True, check=False)
    streams = [
        line for line in done.stderr.decode().splitlines() if line.lstrip().startswith("Stream #")
    ]
    assert len(streams) == 1 + has_sound, streams
    assert H264.search(streams[0]), streams
    assert not has_sound or "Audio: aac" in streams[1], streams
    content = path.read_bytes()
    assert content[4:8] == b"ftyp"
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_video_that_browsers_do_not_play_is_encoded(tmp_path: Path) -> None:
    avi = write_clip_with_sound(
        tmp_path / "clip.avi",
        "sine=frequency=440:sample_rate=44100:duration=3",
        codecs=("-c:v", "mpeg4", "-c:a", "mp3"),
    )
    mkv = write_clip_with_sound(
        tmp_path / "clip.mkv",
        "sine=frequency=440:sample_rate=48000:duration=3",
        codecs=("-c:v", "libvpx", "-c:a", "libopus"),
    )
    for path in (avi, mkv):
        target, is_encoded = copied(path, tmp_path)
        assert is_encoded
        heard = read_wav(target, probe(target, LIMITS), -60.0, RATE, LIMITS)
        assert heard.status == "ok"


def test_packets_of_a_small_playable_video_are_taken_over(tmp_path: Path) -> None:
    path = write_clip_with_sound(
        tmp_path / "small.mp4",
        "sine=frequency=440:sample_rate=44100:duration=3",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
    )
    target, is_encoded = copied(path, tmp_path)
    assert not is_encoded
    assert packets(target, "v") == packets(path, "v")
    assert packets(target, "a") == packets(path, "a")


@pytest.mark.parametrize(
    "options",
    [
        ("-pix_fmt", "yuv444p"),  # no browser decodes it
        ("-pix_fmt", "yuv420p10le"),
        ("-pix_fmt", "yuv420p", "-vf", "scale=640:640"),  # larger than the page's player
    ],
)
def test_what_is_not_a_small_playable_video_is_encoded(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    sound = "sine=frequency=440:sample_rate=44100:duration=1"
    path = write_clip_with_sound(tmp_path / "a.mp4", sound, *options, "-c:a", "aac", seconds=1)
    assert copied(path, tmp_path)[1]


def packets(path: Path, kind: str) -> list[bytes]:
    """Digests of all packets of a stream, without their times."""
    copy = ["-map", f"0:{kind}:0", "-c", "copy", "-bsf:v", "h264_mp4toannexb"]
    command = [binary(), "-v", "error", "-i", str(path), *copy, "-f", "framemd5", "-"]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    return [line.split(b",")[5].strip() for line in lines if not line.startswith(b"#")]


def test_a_copy_shows_the_same_pictures_at_the_same_times(tmp_path: Path) -> None:
    """Of a video of 25 pictures a second, also where it is cut: no picture is early or late."""
    path = write_numbered_clip(tmp_path / "a.mkv", range(25), 25, options=("-c:v", "ffv1"))
    target, is_encoded = copied(path, tmp_path, side=96, seconds=0.6)
    assert is_encoded
    after = probe(target, LIMITS)
    frames = list(DecodedFrames(target, after, (after.width, after.height), LIMITS))
    assert [read_number(np.array(image)) for _, image in frames] == list(range(15))
    assert [round(time_s, 3) for time_s, _ in frames] == [round(0.04 * i, 3) for i in range(15)]


def test_a_copy_stands_upright_and_has_even_sides(shared: Path, tmp_path: Path) -> None:
    turned, is_encoded = copied(shared / "bad_media" / "rotated_90.mp4", tmp_path)
    after = probe(turned, LIMITS)
    assert (after.width, after.height) == (144, 256)
    assert is_encoded  # packets alone would lie on their side
    odd, _ = copied(shared / "bad_media" / "odd_101x77.webm", tmp_path)
    after = probe(odd, LIMITS)
    assert (after.width % 2, after.height % 2) == (0, 0)
    wide, _ = copied(shared / "bad_media" / "odd_101x77_yuv444.mp4", tmp_path, side=64)
    after = probe(wide, LIMITS)
    assert (after.width, after.height) == (64, 36)


def test_a_long_video_is_copied_in_part(shared: Path, tmp_path: Path) -> None:
    target, _ = copied(shared / "bad_media" / "two_hours.mp4", tmp_path, seconds=5)
    assert abs(probe(target, LIMITS).duration_s - 5) <= 1 / 25


def test_a_video_of_a_single_picture_is_copied(shared: Path, tmp_path: Path) -> None:
    copied(shared / "bad_media" / "one_frame.mp4", tmp_path)


def test_bad_media_become_copies_or_say_why_not(shared: Path, tmp_path: Path) -> None:
    made = {}
    for path in sorted((shared / "bad_media").glob("*.*")):
        if path.suffix in (".md", ".tar"):
            continue
        try:
            copied(path, tmp_path, seconds=1)
        except MediaError as error:
            made[path.stem] = error.status
        else:
            made[path.stem] = "ok"
    assert made["corrupt_middle"] == made["truncated_half"] == made["video_only"] == "ok"
    assert made["variable_frame_rate"] == made["fps120"] == made["audio_6_channels"] == "ok"
    assert made["audio_only"] == "no_video"
    assert made["zero_byte"] == "empty"
    assert made["playlist_hls_passwd"] == made["playlist_concat_sibling"] == "not_allowed"


def test_equal_arguments_give_equal_bytes(shared: Path, tmp_path: Path) -> None:
    for name in ("odd_101x77.webm", "video_only.mp4"):
        first, second = tmp_path / "first", tmp_path / "second"
        first.mkdir(exist_ok=True)
        second.mkdir(exist_ok=True)
        path = shared / "bad_media" / name
        assert copied(path, first)[0].read_bytes() == copied(path, second)[0].read_bytes()


@pytest.mark.parametrize("seconds", [1.0, 3.0])
def test_another_sound_is_laid_under_the_picture(tmp_path: Path, seconds: float) -> None:
    """Shorter sound is followed by silence, longer sound is cut; the picture stays as it is."""
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=2", tmp_path / "a.mkv")
    copy, _ = copied(tmp_path / "a.mkv", tmp_path)
    time = np.arange(round(seconds * RATE)) / RATE
    sound = tmp_path / "sound.wav"
    write_wav(sound, np.int16(10_000 * np.sin(2 * np.pi * 700 * time)), RATE)
    target = tmp_path / "preview.mp4"
    tags = {"title": 'retrieved; "not" <generated>\n=1', "comment": "x" * 10_000}
    write_with_sound(copy, sound, 2.0, tags, target)
    assert_browsers_play(target, has_sound=True)
    assert packets(target, "v") == packets(copy, "v")
    found = probe(target, LIMITS)
    heard = tmp_path / "heard.wav"
    read_wav(target, found, -60.0, RATE, LIMITS).write(heard)
    with wave.open(str(heard), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    loud = np.abs(samples[: len(samples) // 100 * 100].reshape(-1, 100)).max(axis=1) > 3000
    ends = min(seconds, 2.0) * RATE / 100
    assert loud[: int(ends) - 5].mean() > 0.95
    assert not loud[int(ends) + 15 :].any()
    spectrum = np.abs(np.fft.rfft(samples[2000:14000]))
    assert abs(np.fft.rfftfreq(12000, 1 / RATE)[spectrum.argmax()] - 700) < 5
    log = subprocess.run([binary(), "-i", str(target)], capture_output=True, check=False).stderr
    assert b'retrieved; "not" <generated> =1' in log
    again = tmp_path / "again.mp4"
    write_with_sound(copy, sound, 2.0, tags, again)
    assert again.read_bytes() == target.read_bytes()
