"""ffmpeg on files that nobody vouches for: which binary is run, and what its log says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import lru_cache

from unmuted.dataset.limits import SETTING_OF_STATUS
from unmuted.digests import digest_json
from unmuted.errors import UserError
from unmuted.text import one_line

MINIMUM_LIBAVCODEC = (59, 37)  # ffmpeg 5.1, the first to know -fps_mode

_CONTEXT = re.compile(r"\[[^\[\]]* @ 0x[0-9a-f]+\] ?")  # "[h264 @ 0x55d38] " differs in each run
_LEVEL = re.compile(r"\[(panic|fatal|error|warning|info|verbose|debug)\] ?")


class MediaError(Exception):
    """A finding about one file: it cannot be used.

    Attributes:
        status: short snake_case word for the ledger, such as `empty`, `not_allowed` or `no_video`.
        reason: one line for a person, with the setting that decides about it, if there is one.
    """

    def __init__(self, status: str, reason: str) -> None:
        if setting := SETTING_OF_STATUS.get(status):
            reason = f"{reason}; set {setting}"
        super().__init__(f"{status}: {reason}")
        self.status = status
        self.reason = reason


@lru_cache(maxsize=1)
def binary() -> str:
    """Return the path of the ffmpeg to run: that on the PATH from 5.1 on, else imageio-ffmpeg's.

    Raises:
        UserError: there is neither.
    """
    installed = shutil.which("ffmpeg")
    if installed and _libavcodec(installed) >= MINIMUM_LIBAVCODEC:
        return installed
    import imageio_ffmpeg

    if named := os.environ.get("IMAGEIO_FFMPEG_EXE"):
        _check_named(named)
    try:
        bundled = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise UserError(
            "no usable ffmpeg: expected ffmpeg 5.1 or newer on the PATH, or the one that the "
            f"package imageio-ffmpeg brings ({error}); reinstall that package or install ffmpeg"
        ) from error
    if _libavcodec(bundled) < MINIMUM_LIBAVCODEC:
        raise UserError(
            f"{bundled}: expected ffmpeg 5.1 or newer, found {_banner(bundled)[:40]!r}; "
            "update imageio-ffmpeg or install a newer ffmpeg"
        )
    return bundled


def _check_named(path: str) -> None:
    """Raise UserError unless the program that IMAGEIO_FFMPEG_EXE names can be run."""
    try:
        _banner(path)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"the environment variable IMAGEIO_FFMPEG_EXE names {path!r}, which cannot be run "
            f"({reason}): unset it, or let it name an ffmpeg"
        ) from error


@lru_cache(maxsize=1)
def version() -> str:
    """Return the version that :func:`binary` prints, such as `n9.0.2` or `5.1.6-0+deb12u1`."""
    words = _banner(binary()).split()
    return words[2] if len(words) > 2 else "unknown"


@lru_cache(maxsize=1)
def identity() -> str:
    """Return what tells this ffmpeg from one that may decode differently, on any machine.

    The version and a digest of what was built in; no path is part of it.
    """
    built_in = re.findall(r"--(?:enable|disable)-[^\s=]+", _banner(binary()))
    return f"{version()} (build {digest_json(sorted(set(built_in)))[:8]})"


def first_error(log: str) -> str:
    """Return the first error in an ffmpeg log, without level and addresses; empty without one."""
    for line in log.split("\n"):
        level = _LEVEL.search(line)
        if level and level[1] in ("panic", "fatal", "error"):
            return one_line(_LEVEL.sub("", _CONTEXT.sub("", line), count=1), limit=200)
    return ""


@lru_cache
def _banner(executable: str) -> str:
    done = subprocess.run(
        [executable, "-version"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.stdout.decode("utf-8", errors="replace")


def _libavcodec(executable: str) -> tuple[int, int]:
    match = re.search(r"^libavcodec\s+(\d+)\.\s*(\d+)", _banner(executable), re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)
