"""The bounds of ffmpeg: memory, no files but its own, no network.

A hostile video can only harm what its decoder may do. `prlimit` (util-linux) bounds the memory and
forbids to write files. `bwrap` (bubblewrap) shows the decoder the one video, read-only, and the
system's libraries, without a network, other processes or an environment.
"""

from __future__ import annotations

import logging
import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from unmuted.dataset.limits import Limits
from unmuted.errors import UserError
from unmuted.media.ffmpeg import binary

_SPARE = 2  # times what a decoder takes: some streams have twice the references, not all is used
_LIBRARIES = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_TRIAL_S = 30.0
_log = logging.getLogger("unmuted")


def confine(
    arguments: Sequence[str], path: Path | None, limits: Limits, writes: Path | None = None
) -> list[str]:
    """Return a command line that runs ffmpeg within its bounds.

    Args:
        arguments: ffmpeg's command line, which begins with its path.
        path: the video, the only file outside the system that it may read; None for no file.
        limits: of the videos. Its `sandbox` is `auto` (bubblewrap where it is there and works),
            `always` or `never`; the memory of the decoder follows from the largest picture.
        writes: a file that is there, the only one that it may write; None for no file.

    Raises:
        UserError: the sandbox is `always`, and there is no bubblewrap that works.
    """
    program = arguments[0]
    bounds = _bounds(_SPARE * limits.memory, writes is not None)
    if not _is_wanted(limits.sandbox, program):
        return [*bounds, *arguments]
    shown = []
    if path is not None:
        source = os.path.abspath(path)
        shown = ["--ro-bind", os.path.realpath(source), source]
    if writes is not None:
        shown += ["--bind", os.path.realpath(writes), os.path.abspath(writes)]
    return [*bounds, *_sandbox(program), *shown, "--", *arguments]


@cache
def _bounds(memory: int, writes: bool = False) -> tuple[str, ...]:
    """Return the command that bounds memory and files; empty on systems without it.

    memory: bytes of address space. writes: whether it may write to files.
    """
    limiter = shutil.which("prlimit")
    if limiter is None:
        return ()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]  # of the job, which it cannot raise
    memory = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    return (limiter, f"--as={memory}", *([] if writes else ["--fsize=0"]), "--core=0", "--")


def check_sandbox(sandbox: str) -> None:
    """Raise UserError if a sandbox must be used and none works here."""
    if sandbox == "always":
        _is_wanted(sandbox, binary())


def _is_wanted(sandbox: str, program: str) -> bool:
    if sandbox == "never":
        return False
    problem = _problem(program)
    if problem and sandbox == "always":
        raise UserError(
            f"media.sandbox is always, but {problem}; install bubblewrap (bwrap), allow user "
            "namespaces, or set media.sandbox to auto or never"
        )
    return not problem


@cache
def _problem(program: str) -> str:
    """Return why this ffmpeg does not run in a sandbox here; empty where it does."""
    if shutil.which("bwrap") is None:
        return "there is no bwrap on the PATH"
    command = [*_bounds(_SPARE * Limits().memory), *_sandbox(program), "--", program, "-version"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TRIAL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    else:
        if done.returncode == 0:
            return ""
        problem = done.stderr.decode("utf-8", "replace").strip()[-200:]
    _log.info("decoders run without a sandbox: %s", problem)
    return f"bwrap does not run {program} ({problem})"


@cache
def _sandbox(program: str) -> tuple[str, ...]:
    """Return bubblewrap's options, without the video."""
    options = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    options += ["--clearenv", "--dev", "/dev", "--tmpfs", "/tmp", "--chdir", "/"]
    for place in _LIBRARIES:
        if os.path.islink(place):
            options += ["--symlink", os.readlink(place), place]
        elif os.path.exists(place):
            options += ["--ro-bind", place, place]
    real = Path(program).resolve()
    libraries = real.parent.parent / "lib"  # of an environment such as conda's
    for place in (str(libraries), str(real), os.path.abspath(program)):
        is_shown = any(Path(place).is_relative_to(library) for library in _LIBRARIES)
        if os.path.exists(place) and not is_shown:
            options += ["--ro-bind", os.path.realpath(place), place]
    return (shutil.which("bwrap") or "bwrap", *options)
