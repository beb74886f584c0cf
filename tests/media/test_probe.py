"""What is found in a file, and what is refused."""

from __future__ import annotations

import json
import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from media.clips import (
    HEIGHT,
    WIDTH,
    read_number,
    run_ffmpeg,
    write_clip_with_sound,
    write_numbered_clip,
)
from unmuted.dataset.videos import Video
from unmuted.media import process
from unmuted.media.ffmpeg import MediaError
from unmuted.media.flow import flow_images
from unmuted.media.framecrc import Listing
from unmuted.media.frames import TimelineFrames, read_frames
from unmuted.media.probe import Limits, Probe, probe, video_limits
from unmuted.media.representative import motion_magnitudes
from unmuted.media.source import source_content
from unmuted.media.tracks import Track

TONE = "sine=duration=3:sample_rate=48000"


def status_of(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(MediaError) as finding:
        probe(path, limits)
    assert finding.value.reason and "\n" not in finding.value.reason
    return finding.value.status


def test_a_clip_with_sound(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "clip.mkv", TONE, "-c:a", "flac", "-ac", "2")
    assert probe(clip) == Probe(
        container="matroska,webm",
        width=64,
        height=64,
        start_s=0.0,
        duration_s=3.0,
        packets=75,
        fps=25.0,
        video_codec="h264",
        audio_codec="flac",
        audio_hz=48000,
        audio_channels=2,
        claimed_s=3.0,
        audio_tracks=(Track(0, "flac", 48000, 2),),
    )


def test_a_probe_is_plain_data(tmp_path: Path) -> None:
    found = probe(write_numbered_clip(tmp_path / "clip.mp4", range(5), 25))
    assert Probe(**json.loads(json.dumps(found.as_json()))) == found
    assert found.audio_codec is None and found.audio_channels is None


@pytest.mark.parametrize(
    ("layout", "channels"), [("mono", 1), ("stereo", 2), ("2.1", 3), ("5.1", 6), ("7.1", 8)]
)
def test_channels(layout: str, channels: int, tmp_path: Path) -> None:
    sound = f"anullsrc=cl={layout}:d=1:r=48000"
    clip = write_clip_with_sound(tmp_path / "clip.mkv", sound, "-c:a", "pcm_s16le", seconds=1)
    assert probe(clip).audio_channels == channels


def test_the_duration_is_that_of_the_pictures(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "a.mp4", TONE, "-c:a", "aac", seconds=1)
    found = probe(clip)
    assert found.claimed_s == pytest.approx(3.0, abs=0.1)  # of the sound
    assert found.duration_s == pytest.approx(1.0, abs=1e-6)
    assert found.expected_frames == 25


def test_the_last_frame_counts_with_its_own_duration(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", [0, 10, 20, 70], 100)
    found = probe(clip)
    assert 0.7 < found.duration_s <= 1.2  # 0.7 s and one frame, not 4 frames of equal length
    assert found.fps == pytest.approx(4 / found.duration_s)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_avi_which_stores_no_times(codec: str, tmp_path: Path) -> None:
    options = ("-c:v", codec, "-q:v", "3", "-bf", "0" if codec == "mjpeg" else "2")
    clip = write_numbered_clip(tmp_path / "clip.avi", range(50), 25, options)
    found = probe(clip)
    assert found.container == "avi"
    assert found.duration_s == pytest.approx(2.0, abs=0.09)  # ffmpeg's own guess of the order
    assert found.fps == pytest.approx(25, rel=0.05)
    images = read_frames(clip, found, 50, HEIGHT).images
    assert [read_number(image) for image in images] == list(range(50))


def test_raw_streams_without_a_container(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.h264", range(50), 25)
    assert probe(clip).duration_s == pytest.approx(2.0, abs=0.09)


def test_animations_are_videos(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1:r=10", tmp_path / "a.gif")
    assert probe(tmp_path / "a.gif").duration_s == pytest.approx(1.0, abs=0.01)


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    options = ("-c:v", "libvpx", "-deadline", "realtime", "-f", "webm")
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(5), 25, options)
    assert probe(clip).container == "matroska,webm"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    for name in ("a.wav", "a.mp3", "a.m4a", "a.ogg", "a.mkv"):
        run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / name)
        assert status_of(tmp_path / name) == "no_video", name


def test_an_attached_picture_is_no_video_but_a_video_beside_it_is(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", tmp_path / "cover.jpg")
    cover = ("-i", tmp_path / "cover.jpg", "-c", "copy")
    run_ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "a.m4a")
    both = ("-map", "1", "-map", "0", "-disposition:v:0", "attached_pic")
    run_ffmpeg("-i", tmp_path / "a.m4a", *cover, *both, tmp_path / "album.mp4")
    assert status_of(tmp_path / "album.mp4") == "no_video"
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(5), 25)
    run_ffmpeg("-i", clip, *cover, *both, tmp_path / "film.mp4")
    assert (probe(tmp_path / "film.mp4").width, probe(tmp_path / "film.mp4").packets) == (WIDTH, 5)


def test_stills_and_subtitles_are_not_allowed(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", tmp_path / "a.png")
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    assert status_of(tmp_path / "a.png") == "not_allowed"
    assert status_of(tmp_path / "a.srt") == "not_allowed"


@pytest.mark.parametrize(
    "content", [b"words\n", bytes(5000), b"\x00\x00\x00\x18ftypmp42" + b"x" * 99]
)
def test_other_content_is_unreadable(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert status_of(tmp_path / "a.mp4") == "unreadable"


def test_limits(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(50), 25)
    area = WIDTH * HEIGHT
    assert probe(clip, Limits(max_seconds=2, max_frames=50, max_pixels=area)).packets == 50
    assert status_of(clip, Limits(max_seconds=1.9)) == "too_long"
    assert status_of(clip, Limits(max_frames=49)) == "too_long"
    assert status_of(clip, Limits(max_pixels=area - 1)) == "too_large"


def test_the_time_limit_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "PATIENCE", 1000)  # the machine may be busy
    monkeypatch.setattr(process, "cpu_seconds", lambda _: 1.0)  # is counted in steps of 10 ms
    clip = write_numbered_clip(tmp_path / "clip.mp4", range(50), 25)
    assert status_of(clip, Limits(timeout_s=0.001)) == "timeout"


def test_a_clip_that_is_too_short_to_be_seen(tmp_path: Path) -> None:
    """As writers make them that take the clock of the container for the frame rate."""
    pictures = write_numbered_clip(tmp_path / "silent.mp4", range(75), 90000)
    clip, sound = tmp_path / "a.mp4", ("-f", "lavfi", "-i", "sine=duration=0.5")
    run_ffmpeg("-i", pictures, *sound, "-c:v", "copy", "-c:a", "aac", clip)
    with pytest.raises(MediaError, match="too_short") as finding:
        probe(clip)
    assert "90000 frames a second" in finding.value.reason
    assert "the sound lasts 0.5" in finding.value.reason
    found = probe(clip, Limits(min_seconds=0.0005))
    assert found.packets == 75 and found.note in finding.value.reason


def test_a_rate_that_no_camera_has_is_told(tmp_path: Path) -> None:
    notes = {
        rate: probe(write_numbered_clip(tmp_path / f"{rate}.mp4", range(100), rate)).note
        for rate in (25, 240, 1000)
    }
    assert notes[25] == notes[240] == ""
    assert notes[1000].startswith("1000 frames a second")


def test_a_single_picture_is_told(tmp_path: Path) -> None:
    clip = write_clip_with_sound(tmp_path / "a.mp4", TONE, "-c:a", "aac", seconds=0.04)
    assert probe(clip).note == "a single picture, the sound lasts 3 s"


def test_the_length_is_that_of_what_is_shown_the_last_frame_included(tmp_path: Path) -> None:
    """Two pictures; the second is shown for 50 s, whatever the first packet says."""
    header = b"YUV4MPEG2 W16 H16 F1:50 Ip A1:1 C420jpeg\n"
    (tmp_path / "a.y4m").write_bytes(header + 2 * (b"FRAME\n" + bytes(16 * 16 * 3 // 2)))
    assert probe(tmp_path / "a.y4m", Limits(max_seconds=100)).duration_s == 100
    assert status_of(tmp_path / "a.y4m", Limits(max_seconds=99)) == "too_long"


@pytest.mark.parametrize(("size", "short_side"), [("512x4", 72), ("4x512", 72), ("320x32", 16)])
def test_a_strip_is_no_picture(size: str, short_side: int, tmp_path: Path) -> None:
    """In pictures of less than 16 pixels the algorithms for optical flow fail or crash."""
    run_ffmpeg("-f", "lavfi", "-i", f"testsrc=s={size}:d=1:r=5", "-c:v", "ffv1", tmp_path / "a.mkv")
    found = probe(tmp_path / "a.mkv")
    with pytest.raises(MediaError, match="too_thin"):
        read_frames(tmp_path / "a.mkv", found, 4, short_side)
    with pytest.raises(MediaError, match="too_thin"):
        TimelineFrames(tmp_path / "a.mkv", found, 4, short_side)


def test_the_flow_of_the_thinnest_pictures_that_are_accepted(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=640x16:d=1:r=5", "-c:v", "ffv1", tmp_path / "a.mkv")
    found = probe(tmp_path / "a.mkv")
    sample = read_frames(tmp_path / "a.mkv", found, 4, 80)
    assert sample.images.shape[1:3] == (16, 640)
    assert np.isfinite(motion_magnitudes(sample.images, sample.timestamps)).all()
    assert flow_images(sample.images, sample.timestamps, 100.0).shape == sample.images.shape


def test_the_size_of_a_file_counts_before_it_is_read(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "a.mp4", range(5), 25)
    size = clip.stat().st_size
    assert probe(clip, Limits(max_bytes=size)).packets == 5
    assert status_of(clip, Limits(max_bytes=size - 1)) == "file_too_large"
    os.truncate(clip, 10**13)
    assert status_of(clip) == "file_too_large"
    os.truncate(clip, 10**9)
    assert status_of(clip) == "sparse"
    video = Video("a", clip, "label", None, "group", tmp_path)
    begun = time.monotonic()
    assert source_content(video, False, 10**12).startswith("sparse: 1 of 1 GB are holes")
    assert source_content(video, False, 10**8).startswith(
        "file_too_large: 1 GB, allowed are 0.1 GB"
    )
    assert time.monotonic() - begun < 0.2  # of a second that hashing it takes


def test_limits_follow_the_length_that_a_dataset_allows() -> None:
    short, long = (
        video_limits(
            {
                "videos": {
                    "max_seconds": seconds,
                    "min_seconds": 0.025,
                    "max_megapixels": 34,
                    "max_gigabytes": 64,
                },
                "media": {"sandbox": "auto"},
            }
        )
        for seconds in (60, 4 * 3600)
    )
    assert short == Limits()
    assert short.timeout(3) == short.timeout(60) == 300
    assert long.max_frames >= 4 * 3600 * 60  # at 60 frames a second
    assert (long.max_pixels, long.timeout(90 * 60)) == (34_000_000, 90 * 300)


def test_a_picture_that_grows_after_the_beginning(tmp_path: Path) -> None:
    """The limit holds for every picture that is decoded, not only for what the file begins with."""
    encode = ("-c:v", "libx264", "-preset", "ultrafast")
    for side in (64, 512):
        size = f"color=s={side}x{side}:d=1:r=25"
        run_ffmpeg("-f", "lavfi", "-i", size, *encode, tmp_path / f"{side}.h264")
    grown = tmp_path / "grown.h264"
    grown.write_bytes(b"".join((tmp_path / f"{side}.h264").read_bytes() for side in (64, 512)))
    found = probe(grown, Limits(max_pixels=512 * 512))
    assert (found.width, found.height) == (64, 64)
    assert read_frames(grown, found, 4, 64, Limits(max_pixels=512 * 512)).decoded == 50
    limited = read_frames(grown, found, 4, 64, Limits(max_pixels=64 * 64))
    assert limited.decoded == 25 and "25 of 50 frames" in limited.warning
    assert limited.images.shape == (4, 64, 64, 3)


LISTING = """\
#extradata 0:       48, 0x30e50e98
#software: Lavf63.1.102
#tb 0: 1/12800
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 256x144
#tb 1: 1/8000
#media_type 1: audio
#channel_layout_name 1: mono
0,      -1024,          0,      512,     1968, 0x89796bcf
1,      -1024,      -1024,     1024,      572, 0xf7201299, F=0x5, S=1, Skip Samples, 10, 0x0024
0,       -512,       1024,      512,      550, 0x9a041b12, F=0x0
0, 0, -9223372036854775808, 0, 31, 0xc45e0e79, F=0x2
0,        512,      15
"""


def test_reading_a_listing() -> None:
    listing = Listing()
    first, sound, second, third = listing.entries(LISTING.splitlines(keepends=True)[:-1])
    assert listing.stream_of("video") == 0 and listing.stream_of("audio") == 1
    assert listing.stream_of("subtitle") is None
    assert listing.header[1]["channel_layout_name"] == "mono"
    assert (first.dts, first.pts, first.duration) == (Fraction(-2, 25), 0, Fraction(1, 25))
    assert (second.pts, second.corrupt, second.discarded) == (Fraction(2, 25), False, False)
    assert (sound.stream, sound.pts, sound.discarded) == (1, Fraction(-16, 125), True)
    assert (third.pts, third.corrupt) == (None, True)


def test_a_line_that_was_never_finished_is_left_out() -> None:
    lines = LISTING.rstrip("\n").splitlines(keepends=True)
    assert len(list(Listing().entries(lines))) == 4
