"""Which GPU a job uses where a machine has several: each serves one job at a time.

Snakemake counts GPUs but does not say which; a cluster's scheduler shows a job its own ones only.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

WAIT = 0.5  # seconds between two rounds
log = logging.getLogger("unmuted")
_held: dict[str, int] = {}  # open lock files of this process, which end with it


def lease(gpus: Sequence[str], folder: Path | None = None) -> int:
    """Index of a GPU that no other job of this user holds; waits until there is one.

    gpus: names that are the same in all jobs, such as UUIDs. The GPU is held until the process
    ends, however it ends; another call in the process gives the same one. folder: of the locks.
    """
    if not gpus:
        raise ValueError("expected at least one GPU")
    folder = folder or Path(tempfile.gettempdir()) / f"unmuted-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else: set TMPDIR to a folder of yours")
    paths = [str(folder / f"{name.replace(os.sep, '_')}.lock") for name in gpus]
    held = [index for index, path in enumerate(paths) if path in _held]
    if held:
        return held[0]
    waiting = False
    while True:
        for index, path in enumerate(paths):
            if _take(path):
                return index
        if not waiting:
            log.info("waiting for one of %d GPUs", len(gpus))
            waiting = True
        time.sleep(WAIT)


def _take(path: str) -> bool:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    _held[path] = file
    return True
