"""Small clips in many containers and codecs, and a long one, made with ffmpeg."""

from __future__ import annotations

import subprocess
from pathlib import Path

from unmuted.media.ffmpeg import binary

# Name: options of the encoder. Every container that people's cameras and sites commonly write.
KINDS = {
    "h264_aac.mp4": "-c:v libx264 -c:a aac",
    "h264_fragmented.mp4": "-c:v libx264 -c:a aac -movflags frag_keyframe+empty_moov",
    "mpeg4_pcm.mov": "-c:v mpeg4 -c:a pcm_s16le -movflags faststart",
    "hevc_flac.mkv": "-c:v libx265 -x265-params log-level=none -c:a flac",
    "ffv1_vorbis.mkv": "-c:v ffv1 -c:a libvorbis",
    "vp9_opus.webm": "-c:v libvpx-vp9 -cpu-used 8 -c:a libopus",
    "mjpeg_mp3.avi": "-c:v mjpeg -pix_fmt yuvj420p -c:a libmp3lame",
    "mpeg2_ac3.ts": "-c:v mpeg2video -r 25 -c:a ac3",
    "mpeg1_mp2.mpg": "-c:v mpeg1video -r 25 -c:a mp2",
    "flv1_mp3.flv": "-c:v flv -c:a libmp3lame",
    "wmv2_wma.wmv": "-c:v wmv2 -c:a wmav2",
    "theora_vorbis.ogv": "-c:v libtheora -c:a libvorbis",
    "mpeg4_aac.nut": "-c:v mpeg4 -c:a aac",
    "picture.gif": "-c:v gif -an",
}
_PICTURE = "testsrc2=s=64x48:r=10"
_SOUND = "aevalsrc=0.3*sin(2*PI*440*t):s=22050"


def write_clips(folder: Path) -> list[Path]:
    """Write a clip of 0.8 seconds of every kind; returns their paths."""
    folder.mkdir(parents=True)
    return [_write(folder / name, 0.8, options.split()) for name, options in KINDS.items()]


def write_long_clip(path: Path, seconds: float = 200) -> None:
    """Write a clip whose sound is larger than what a job keeps in memory: it goes to TMPDIR."""
    _write(path, seconds, ["-r", "1", "-c:v", "libx264", "-preset", "ultrafast"])


def _write(path: Path, seconds: float, options: list[str]) -> Path:
    sources = ["-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", _SOUND]
    # Bytes that do not depend on the encoder's version in their metadata, nor on the threads.
    exact = ["-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1"]
    command = [binary(), "-nostdin", "-v", "error", "-y", *sources, "-t", str(seconds)]
    subprocess.run([*command, *options, *exact, str(path)], check=True)
    return path
