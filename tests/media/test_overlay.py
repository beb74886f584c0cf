"""Videos that are drawn on: their size, rate, duration and sound stay."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from unmuted.media.decoder import DecodedFrames
from unmuted.media.ffmpeg import MediaError, binary
from unmuted.media.overlay import draw_on_video, frame_rate
from unmuted.media.probe import Limits, Probe, probe

pytestmark = pytest.mark.unit
LIMITS = Limits(max_seconds=60)


def corner(time_s: float, image: np.ndarray) -> np.ndarray:
    """Paint the upper left quarter: blue in the first half second, and red afterwards."""
    height, width = image.shape[:2]
    image[: height // 2, : width // 2] = (0, 0, 255) if time_s < 0.5 else (255, 0, 0)
    return image


def drawn(path: Path, folder: Path) -> tuple[Probe, Probe, Path]:
    """Return the probes of a video and of its overlay, and the path of the latter."""
    found = probe(path, LIMITS)
    track = found.audio_tracks[0].index if found.audio_tracks else None
    target = folder / "overlay.mp4"
    draw_on_video(path, found, corner, track, LIMITS).write(target)
    return found, probe(target), target


def sound_packets(path: Path) -> list[bytes]:
    """Return the digests of all packets of the sound, whatever their times and side data."""
    copy = ["-map", "0:a:0", "-c", "copy", "-f", "framemd5", "-"]
    command = [binary(), "-v", "error", "-i", str(path), *copy]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    return [line.split(b",")[5].strip() for line in lines if not line.startswith(b"#")]


def test_the_sound_of_a_video_is_copied_and_its_picture_drawn_on(
    shared: Path, tmp_path: Path
) -> None:
    clips = sorted((shared / "real_clips").glob("*/*.mp4"))
    path = next(path for path in clips if probe(path, LIMITS).audio_tracks)
    before, after, target = drawn(path, tmp_path)
    assert (after.width, after.height) == (before.width, before.height)
    assert frame_rate(after) == frame_rate(before)
    assert abs(after.duration_s - before.duration_s) <= 1 / before.fps
    assert sound_packets(target) == sound_packets(path)
    frames = list(DecodedFrames(target, after, (after.width, after.height), Limits()))
    for time_s, image in frames[:: max(1, len(frames) // 8)]:
        middle = image[after.height // 4, after.width // 4].astype(int)
        assert middle[0 if time_s >= 0.5 else 2] > 200, time_s
    again = tmp_path / "again.mp4"
    found = probe(path, LIMITS)
    draw_on_video(path, found, corner, found.audio_tracks[0].index, LIMITS).write(again)
    assert again.read_bytes() == target.read_bytes()


def test_bad_media_become_overlays_or_say_why_not(shared: Path, tmp_path: Path) -> None:
    """No crash; what can be shown keeps its size, its duration, and whether it has sound."""
    made = {}
    for path in sorted((shared / "bad_media").glob("*.*")):
        if path.suffix in (".md", ".tar") or path.stem in ("two_hours", "huge_8192x8192"):
            continue
        try:
            before, after, _ = drawn(path, tmp_path)
        except MediaError as error:
            made[path.stem] = error.status
            continue
        made[path.stem] = "ok"
        assert (after.width - before.width) in (0, before.width % 2), path
        assert (after.height - before.height) in (0, before.height % 2), path
        longest = max(1 / frame_rate(before), 0.05)
        assert abs(after.duration_s - before.duration_s) <= longest, path
        if not before.damage:
            assert bool(after.audio_tracks) == bool(before.audio_tracks), path
    assert made["odd_101x77"] == made["rotated_90"] == made["variable_frame_rate"] == "ok"
    assert made["video_only"] == made["silent_audio"] == made["fps120"] == "ok"
    assert made["audio_only"] == "no_video"
    assert made["playlist_hls_passwd"] not in ("ok", "")
