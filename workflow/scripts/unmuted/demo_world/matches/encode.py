"""Recordings as files: H.264 and AAC in an mp4, as a broadcaster would deliver them."""

from __future__ import annotations

import os
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from unmuted.demo_world.matches.picture import HEIGHT, WIDTH, draw_frames
from unmuted.demo_world.matches.sound import SAMPLE_RATE, synthesise
from unmuted.demo_world.matches.spec import VARIABLE, VARIABLE_RATE, RecordingSpec
from unmuted.errors import UserError
from unmuted.media.ffmpeg import binary

FASTEST_DRAWN = 30  # frames a second; twice as many are shown twice each
KEY_FRAME_SECONDS = 2
# The mix of the crowd (c0) and the voices (c1) for a number of channels.
MIXES = {
    1: "mono|c0=0.7*c0+0.7*c1",
    2: "stereo|FL=0.8*c0+0.6*c1|FR=0.6*c0+0.6*c1",
    6: "5.1|FL=0.6*c0|FR=0.6*c0|FC=0.8*c1|LFE=0.1*c0|BL=0.5*c0|BR=0.5*c0",
}
_SOUND, _ERRORS = "sound.wav", "errors.txt"
_SAME_BYTES = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact")


def render_recording(spec: RecordingSpec, path: Path) -> None:
    """Draw a recording and encode it: Matroska if the path's suffix is .mkv, else mp4.

    The file appears whole or not at all; on one machine the same spec gives the same bytes. Memory
    does not grow with the number of frames.

    Raises:
        UserError: ffmpeg could not encode it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".recording-", dir=path.parent) as name:
        folder = Path(name)
        if spec.audio != "no_stream":
            _write_sound(folder / _SOUND, spec)
        movie = folder / ("recording.mkv" if path.suffix == ".mkv" else "recording.mp4")
        reason = _encode(spec, movie)
        if reason:
            raise UserError(f"{path}: ffmpeg could not encode the demo's recording: {reason}")
        if spec.damage is not None:
            movie = _damage(*spec.damage, movie)
        os.replace(movie, path)


def frame_times(spec: RecordingSpec) -> np.ndarray:
    """Return when each frame that is encoded is shown, (N,) float64 seconds, rising."""
    count = round(spec.rate * Fraction(str(spec.seconds)))
    numbers = np.arange(count)
    return numbers[_is_kept(spec, numbers)] / float(spec.rate)


def _is_kept(spec: RecordingSpec, numbers: np.ndarray) -> np.ndarray:
    """Return which frames are there, of those of the fastest rate.

    Of a variable rate they are all, two of three, and every second one, in turns of four seconds.
    """
    if spec.fps != VARIABLE:
        return np.ones(len(numbers), bool)
    turn = numbers // (4 * int(VARIABLE_RATE)) % 3
    return np.choose(turn, (True, numbers % 3 != 1, numbers % 2 == 0))


def _encode(spec: RecordingSpec, movie: Path) -> str | None:
    """Encode pictures as they are drawn, with the sound; return what ffmpeg says if it failed."""
    folder = movie.parent
    with (
        open(folder / _ERRORS, "wb") as errors,
        subprocess.Popen(
            _command(spec, movie.name), stdin=subprocess.PIPE, stderr=errors, cwd=folder
        ) as process,
    ):
        assert process.stdin is not None
        try:
            for picture in _pictures(spec):
                process.stdin.write(picture.data)
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg says why
    if process.returncode == 0:
        return None
    return (folder / _ERRORS).read_text(errors="replace").strip() or "it said nothing"


def _damage(start: float, end: float, movie: Path) -> Path:
    """Return a copy in which every byte of the pictures from start to end is wrong."""
    damaged = movie.with_stem("damaged")
    noise = f"noise=amount='if(between(pts*tb,{start},{end}),1,0)'"
    command = [binary(), "-nostdin", "-v", "error", "-i", movie.name, "-c", "copy", "-bsf:v", noise]
    command += [*_SAME_BYTES, *_for_container(movie.name), damaged.name]
    subprocess.run(command, cwd=movie.parent, check=True, capture_output=True)
    return damaged


def _pictures(spec: RecordingSpec) -> Iterator[np.ndarray]:
    """Yield the pictures as planes (I420), also those that a variable rate leaves out."""
    repeats = 2 if spec.rate > FASTEST_DRAWN else 1
    count = round(spec.rate * Fraction(str(spec.seconds)))
    times = np.arange(0, count, repeats) / float(spec.rate)
    shown = 0
    for frame in draw_frames(spec, times):
        planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)
        for _ in range(min(repeats, count - shown)):
            yield planes
            shown += 1


def _command(spec: RecordingSpec, movie: str) -> list[str]:
    """Return the command that encodes I420 pictures from its standard input, and _SOUND."""
    command = [binary(), "-nostdin", "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(spec.rate), "-i", "pipe:0"]
    if spec.audio != "no_stream":
        command += ["-itsoffset", str(spec.sound_from), "-i", _SOUND, "-map", "0:v", "-map", "1:a"]
        command += ["-af", f"aresample={spec.sample_rate},pan={MIXES[spec.channels]}"]
        command += ["-c:a", "aac", "-aac_coder", "fast", "-b:a", f"{48 * spec.channels}k"]
    if spec.fps == VARIABLE:
        turn = f"mod(floor(n/{4 * int(VARIABLE_RATE)}),3)"
        keep = f"eq({turn},0)+eq({turn},1)*not(eq(mod(n,3),1))+eq({turn},2)*eq(mod(n,2),0)"
        command += ["-vf", f"select='{keep}'", "-fps_mode", "vfr"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-threads", "1"]
    command += ["-g", str(round(KEY_FRAME_SECONDS * spec.rate)), "-pix_fmt", "yuv420p"]
    return [*command, *_SAME_BYTES, *_for_container(movie), movie]


def _for_container(movie: str) -> list[str]:
    return ["-movflags", "+faststart"] if movie.endswith(".mp4") else []


def _write_sound(path: Path, spec: RecordingSpec) -> None:
    sound = synthesise(spec)[round(spec.sound_from * SAMPLE_RATE) :]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())
