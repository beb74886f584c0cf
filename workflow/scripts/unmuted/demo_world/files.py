"""What is written to disk for a clip: an mp4 as a camera would make it, and its truth."""

from __future__ import annotations

import os
import subprocess
import tempfile
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np

from unmuted.demo_world.canvas import HEIGHT, WIDTH
from unmuted.demo_world.motion import make_sound_timeline
from unmuted.demo_world.plan import ClipSpec
from unmuted.demo_world.render import render_clip, render_frames
from unmuted.demo_world.synthesis import SAMPLE_RATE
from unmuted.demo_world.truth import describe
from unmuted.errors import UserError
from unmuted.media.ffmpeg import binary


def write_clip(spec: ClipSpec, path: Path) -> None:
    """Render the clip and encode it as mp4 (H.264 and, unless it has no stream, AAC).

    The file appears whole or not at all; on one machine the same spec gives the same bytes.

    Raises:
        UserError: ffmpeg could not encode it.
    """
    clip = render_clip(spec)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".clip-", dir=path.parent) as folder:
        unfinished = Path(folder) / "clip.mp4"
        command = [str(binary()), "-nostdin", "-v", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}"]
        command += ["-r", spec.fps, "-i", "pipe:0"]
        if clip.audio is not None:
            sound = Path(folder) / "sound.wav"
            _write_wav(sound, clip.audio)
            command += ["-i", str(sound), "-c:a", "aac", "-aac_coder", "fast", "-b:a", "96k"]
            command += ["-flags:a", "+bitexact"]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "24", "-pix_fmt", "yuv420p"]
        command += ["-flags:v", "+bitexact", "-fflags", "+bitexact", "-map_metadata", "-1"]
        command += ["-threads", "1", str(unfinished)]
        done = subprocess.run(command, input=clip.frames.tobytes(), capture_output=True)
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()
            raise UserError(f"{path}: ffmpeg could not encode the demo clip: {reason}")
        os.replace(unfinished, path)


def truth_record(spec: ClipSpec, steps: int = 18) -> tuple[dict, np.ndarray]:
    """The clip's truth and the sounding object's mask at the workflow's time steps.

    Returns:
        The dict of `unmuted.demo_world.truth.describe`, and masks (steps, H, W) uint8 (0 or 1) of
        the frames shown at (i + 0.5) / steps of the clip.
    """
    duration = Fraction(spec.seconds)
    times = [duration * (2 * step + 1) / (2 * steps) for step in range(steps)]
    indices = [min(int(time * spec.rate), spec.frame_count - 1) for time in times]
    _, masks = render_frames(spec, indices)
    return describe(spec, make_sound_timeline(spec)), masks.astype(np.uint8)


def _write_wav(path: Path, audio: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(audio * 32767).astype("<i2").tobytes())
