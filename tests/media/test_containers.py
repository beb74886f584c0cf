"""What is taken for a video by its name is what ffmpeg may open, and the other way round."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from media.clips import run_ffmpeg
from unmuted.dataset.containers import _SOUND, _VIDEO, DEMUXERS, VIDEO_SUFFIXES
from unmuted.dataset.folder import read_folder
from unmuted.media import ffmpeg
from unmuted.media.probe import Limits, probe

# Endings that ffmpeg gives to video formats, but which mostly are something else.
OTHERWISE = {
    *(".m4a", ".m4b", ".ism", ".isma", ".mka", ".mks", ".ogg"),  # sound, subtitles, manifests
    *(".avif", ".heic", ".heif", ".mpo", ".webp"),  # still pictures
    *(".cgi", ".avs"),  # scripts
}


def endings_known_to_ffmpeg(demuxer: str) -> set[str]:
    command = [ffmpeg.binary(), "-hide_banner", "-h", f"demuxer={demuxer}"]
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Common extensions: (.*)\.", text)
    return {f".{ending}" for ending in found[1].split(",")} if found else set()


def test_every_ending_of_an_admitted_video_format_is_taken_for_a_video() -> None:
    known = set().union(*map(endings_known_to_ffmpeg, _VIDEO))
    assert len(known) > 30
    assert known - OTHERWISE <= VIDEO_SUFFIXES
    assert not VIDEO_SUFFIXES & OTHERWISE


def test_no_ending_of_a_sound_format_is() -> None:
    assert not VIDEO_SUFFIXES & set().union(*map(endings_known_to_ffmpeg, _SOUND.split()))
    assert len(set(DEMUXERS.split(","))) == len(_VIDEO) + len(_SOUND.split())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.y4m", ("-f", "yuv4mpegpipe")),
        ("a.mjpeg", ("-f", "mjpeg")),
        ("a.264", ("-c:v", "libx264", "-f", "h264")),
        ("a.m2p", ("-c:v", "mpeg2video", "-f", "vob")),
        ("a.divx", ("-c:v", "mpeg4", "-f", "avi")),
        ("a.m2t", ("-c:v", "mpeg2video", "-f", "mpegts")),
        ("a.AVI", ("-c:v", "mjpeg", "-f", "avi")),
    ],
)
def test_a_file_of_the_ending_is_found_and_read(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    source = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:duration=0.4")
    run_ffmpeg(*source, "-pix_fmt", "yuv420p", *options, tmp_path / name)
    (video,) = read_folder(tmp_path).videos
    found = probe(video.path, Limits())
    assert (found.width, found.height) == (64, 48)
