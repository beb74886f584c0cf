"""Which of several video streams is the video."""

from __future__ import annotations

from pathlib import Path

import pytest

from media.clips import read_number, run_ffmpeg, write_numbered_clip
from unmuted.media.ffmpeg import MediaError
from unmuted.media.frames import read_frames
from unmuted.media.probe import Limits, Probe, probe
from unmuted.media.streams import VideoStream, in_order_of_choice

FRAMES = 50
_FILM = ("-map", "0:v:0", "-c:v:1", "copy")


def write_beside_film(path: Path, preview: str, *options: object) -> Path:
    """Write a film of numbered pictures behind another video stream, an ffmpeg source."""
    film = write_numbered_clip(path.with_name("film.mp4"), range(FRAMES), 25)
    run_ffmpeg("-i", film, "-f", "lavfi", "-i", preview, "-map", "1:v", *_FILM, *options, path)
    return path


def check_film(clip: Path, index: int = 1) -> Probe:
    found = probe(clip)
    assert (found.video_stream, found.packets) == (index, FRAMES)
    images = read_frames(clip, found, FRAMES, 72).images
    assert [read_number(image) for image in images] == list(range(FRAMES))
    return found


PREVIEW = "color=red:s=64x36:r=1:d=2"
OTHERS = {
    "preview.mp4": (PREVIEW, "-c:v:0", "mjpeg"),
    "preview.mkv": (PREVIEW, "-c:v:0", "mjpeg", "-disposition:v:1", "0"),
    "preview_of_all.mov": ("color=red:s=64x36:r=25:d=2", "-c:v:0", "mjpeg"),
    "large_stills.mkv": ("color=red:s=640x360:r=1:d=2", "-c:v:0", "mjpeg"),
    "one_picture.mkv": ("color=red:s=640x360:r=1:d=1", "-c:v:0", "libx264"),
    "one_png.mp4": ("color=red:s=640x360:r=1:d=1", "-c:v:0", "png"),
    "small.mp4": ("color=red:s=32x18:r=25:d=2", "-c:v:0", "libx264", "-pix_fmt:v:0", "yuv420p"),
    "thumbnails.mp4": (
        *("color=red:s=128x72:r=1:d=2", "-c:v:0", "mjpeg"),
        *("-disposition:v:0", "attached_pic+timed_thumbnails"),
    ),
    "not_default.mkv": (
        *("color=red:s=128x72:r=25:d=2", "-c:v:0", "libx264"),
        *("-disposition:v:0", "0", "-disposition:v:1", "default"),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_film_is_read_and_not_what_stands_before_it(name: str, tmp_path: Path) -> None:
    preview, *options = OTHERS[name]
    found = check_film(write_beside_film(tmp_path / name, preview, *options))
    assert "of 2 video streams, stream 1 (h264, 128x72, 50 pictures) is read" in found.note


def test_of_equals_the_first_is_read(tmp_path: Path) -> None:
    options = ("-c:v:0", "libx264", "-disposition:v", "0")
    clip = write_beside_film(tmp_path / "a.mkv", "color=red:s=128x72:r=25:d=2", *options)
    assert probe(clip).video_stream == 0


def test_the_limits_are_those_of_the_film(tmp_path: Path) -> None:
    """A preview that is longer or larger than allowed hides no film."""
    large = write_beside_film(tmp_path / "a.mkv", "color=s=640x360:r=1:d=1", "-c:v:0", "png")
    assert probe(large, Limits(max_pixels=128 * 72)).video_stream == 1
    long = write_beside_film(tmp_path / "b.mkv", "color=s=64x36:r=1:d=9", "-c:v:0", "mjpeg")
    assert probe(long, Limits(max_seconds=3)).video_stream == 1
    with pytest.raises(MediaError, match="too_long"):
        probe(long, Limits(max_seconds=1))
    with pytest.raises(MediaError, match="too_large"):
        probe(long, Limits(max_pixels=100))


def test_a_stream_that_cannot_be_decoded_hides_no_other(tmp_path: Path) -> None:
    """The first of two equals is one whose packets are noise."""
    options = ("-c:v:0", "libx264", "-disposition:v", "0", "-bsf:v:0", "noise=amount=1")
    clip = write_beside_film(tmp_path / "a.mkv", "testsrc=s=128x72:r=25:d=2", *options)
    check_film(clip)


def test_a_cover_beside_the_film(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "color=red:s=640x360", "-frames:v", "1", tmp_path / "c.jpg")
    film = write_numbered_clip(tmp_path / "film.mp4", range(FRAMES), 25)
    attach = ("-attach", tmp_path / "c.jpg", "-metadata:s:t", "mimetype=image/jpeg")
    run_ffmpeg("-i", film, "-c", "copy", *attach, tmp_path / "a.mkv")
    assert check_film(tmp_path / "a.mkv", 0).note == ""


def test_order_of_choice() -> None:
    def stream(
        index: int, *, packets: int = 100, side: int = 100, codec: str = "h264", flags: str = ""
    ) -> VideoStream:
        return VideoStream(index, index, codec, (side, side), packets, flags)

    streams = [
        stream(0, packets=0),
        stream(1, packets=1, side=1000),
        stream(2, flags="(still image)"),
        stream(3, codec="mjpeg"),
        stream(4, side=50),
        stream(5, packets=25),
        stream(6),
        stream(7, flags="(default)"),
    ]
    order = [chosen.index for chosen in in_order_of_choice(streams)]
    assert order == [7, 6, 4, 5, 3, 2, 1, 0]
