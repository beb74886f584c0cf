"""Synthetic clips: every picture shows its own number, the sound begins at a known time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe

GRID = (3, 4)  # rows and columns of black and white blocks: a number of 12 bits
WIDTH, HEIGHT = 128, 72


def run_ffmpeg(*arguments: object, data: bytes | None = None) -> None:
    """Run ffmpeg without any restriction; the test fails with its log where it fails.

    The one that comes with the environment, so that test files are the same on every machine.
    """
    command = [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def numbered_picture(number: int) -> np.ndarray:
    """Picture of a number, uint8 `(HEIGHT, WIDTH, 3)`: a block a bit, the highest at top left."""
    bits = [number >> bit & 1 for bit in reversed(range(GRID[0] * GRID[1]))]
    blocks = np.array(bits, dtype=np.uint8).reshape(GRID) * 255
    rows = np.repeat(blocks, HEIGHT // GRID[0], axis=0)
    return np.repeat(np.repeat(rows, WIDTH // GRID[1], axis=1)[..., None], 3, axis=2)


def read_number(image: np.ndarray) -> int:
    """The number in a picture of any size, as far as it stands upright."""
    height, width = image.shape[0] // GRID[0], image.shape[1] // GRID[1]
    number = 0
    for row in range(GRID[0]):
        for column in range(GRID[1]):
            y, x = row * height + height // 2, column * width + width // 2
            number = number << 1 | int(image[y - 2 : y + 3, x - 2 : x + 3].mean() > 127)
    return number


def write_numbered_clip(
    path: Path,
    ticks: Iterable[int],
    rate: Fraction | int = 100,
    options: tuple[object, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2"),
) -> Path:
    """Write a silent clip: at each tick, `tick / rate` seconds, a picture that shows the tick."""
    shown = sorted(set(ticks))
    pictures = b"".join(numbered_picture(tick).tobytes() for tick in range(shown[-1] + 1))
    all_of_them = len(shown) == shown[-1] + 1
    chosen = "1" if all_of_them else "+".join(f"eq(n\\,{tick})" for tick in shown)
    run_ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", rate, "-i", "-"),
        *("-vf", f"select={chosen}", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p"),
        *options,
        path,
        data=pictures,
    )
    return path


def write_clip_with_sound(
    path: Path,
    sound: str,
    *options: object,
    seconds: float = 3.0,
    before: tuple[object, ...] = (),
    codecs: tuple[object, ...] = ("-c:v", "libx264", "-preset", "ultrafast"),
) -> Path:
    """Write a grey clip of 25 fps with the sound of an ffmpeg source such as `aevalsrc=...`.

    `before` are options of the sound's input, for example a shift in time.
    """
    run_ffmpeg(
        *("-f", "lavfi", "-i", f"color=gray:size=64x64:rate=25:duration={seconds}"),
        *(*before, "-f", "lavfi", "-i", sound, "-map", "0:v", "-map", "1:a"),
        *(*codecs, *options, path),
    )
    return path
