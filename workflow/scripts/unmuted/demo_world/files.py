"""What is written to disk for a clip: an mp4 as a camera would make it, and its truth."""

from __future__ import annotations

import os
import subprocess
import tempfile
import wave
from fractions import Fraction
from pathlib import Path

import ffmpeg
import numpy as np

from unmuted.demo_world.canvas import HEIGHT, WIDTH
from unmuted.demo_world.motion import make_sound_timeline
from unmuted.demo_world.plan import ClipSpec
from unmuted.demo_world.render import render_clip, render_frames
from unmuted.demo_world.synthesis import SAMPLE_RATE
from unmuted.demo_world.truth import describe
from unmuted.errors import UserError
from unmuted.media.ffmpeg import binary

_PICTURES, _SOUND, _CLIP = "pictures.rgb", "sound.wav", "clip.mp4"


def write_clip(spec: ClipSpec, path: Path) -> None:
    """Render the clip and encode it as mp4 (H.264 and, unless it has no stream, AAC).

    The file appears whole or not at all; on one machine the same spec gives the same bytes.

    Raises:
        UserError: ffmpeg could not encode it.
    """
    clip = render_clip(spec)
    encode(clip.frames, spec.fps, clip.audio, path)


def encode(frames: np.ndarray, rate: str, audio: np.ndarray | None, path: Path) -> None:
    """Encode frames (N, H, W, 3) uint8 RGB and sound (n,) float32, or none, as mp4.

    rate: frames a second, as ffmpeg reads it. Errors and promises as of `write_clip`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clip-", dir=path.parent) as folder:
        # A file, not a pipe, which Python would feed with 4 KiB at a time.
        Path(folder, _PICTURES).write_bytes(frames.tobytes())
        if audio is not None:
            _write_wav(Path(folder, _SOUND), audio)
        # In the folder and by plain names: ffmpeg-python accepts no name that is not UTF-8.
        done = subprocess.run(
            _encode_command(rate, audio is not None),
            capture_output=True,
            cwd=folder,
            check=False,
        )
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()
            raise UserError(f"{path}: ffmpeg could not encode the demo clip: {reason}")
        os.replace(Path(folder, _CLIP), path)


def truth_record(spec: ClipSpec, steps: int = 18) -> tuple[dict, np.ndarray]:
    """Return the clip's truth and the sounding object's mask at the workflow's time steps.

    Returns:
        The dict of `unmuted.demo_world.truth.describe`, and masks (steps, H, W) uint8 (0 or 1) of
        the frames shown at (i + 0.5) / steps of the clip.
    """
    duration = Fraction(spec.seconds)
    times = [duration * (2 * step + 1) / (2 * steps) for step in range(steps)]
    indices = [min(int(time * spec.rate), spec.frame_count - 1) for time in times]
    _, masks = render_frames(spec, indices)
    return describe(spec, make_sound_timeline(spec)), masks.astype(np.uint8)


def _encode_command(rate: str, has_sound: bool) -> list[str]:
    """Return the command that encodes the raw _PICTURES, and _SOUND, to _CLIP."""
    pictures = {"format": "rawvideo", "pix_fmt": "rgb24", "s": f"{WIDTH}x{HEIGHT}", "r": rate}
    streams = [ffmpeg.input(_PICTURES, **pictures)]
    options = {"c:v": "libx264", "preset": "ultrafast", "crf": 24, "pix_fmt": "yuv420p"}
    options |= {"flags:v": "+bitexact", "fflags": "+bitexact", "map_metadata": -1, "threads": 1}
    if has_sound:
        streams.append(ffmpeg.input(_SOUND))
        options |= {"c:a": "aac", "aac_coder": "fast", "b:a": "96k", "flags:a": "+bitexact"}
    output = ffmpeg.output(*streams, _CLIP, **options)
    return ffmpeg.compile(output, cmd=[binary(), "-nostdin", "-v", "error"], overwrite_output=True)


def _write_wav(path: Path, audio: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(audio * 32767).astype("<i2").tobytes())
