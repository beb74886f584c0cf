"""Which GPU a job uses where a machine has several: each serves one job at a time.

Snakemake counts GPUs but does not say which; a cluster's scheduler shows a job its own ones only.
Jobs of other users, and of containers with a temporary folder of their own, are not known here.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from unmuted.errors import UserError

REMEDY = (
    "Set TMPDIR to a local folder of yours, or name the GPU in the configuration (device: cuda:0),"
    " which asks nobody"
)
WAIT = 0.5  # seconds between two rounds
log = logging.getLogger("unmuted")
_held: dict[str, int] = {}  # open lock files of this process, which end with it


def lease(gpus: Sequence[str], folder: Path | None = None) -> int:
    """Return the index of a GPU that no other job of this user holds; waits until there is one.

    gpus: names that are the same in all jobs, such as UUIDs. The GPU is held until the process
    ends, however it ends; another call in the process gives the same one. folder: of the locks.
    """
    if not gpus:
        raise ValueError("expected at least one GPU")
    folder = folder or Path(tempfile.gettempdir()) / f"unmuted-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_own = folder.stat().st_uid == os.getuid()
    except OSError as error:
        raise UserError(f"{folder}, for locks on GPUs: {error}. {REMEDY}") from error
    if not is_own:
        raise UserError(f"{folder}, for locks on GPUs, belongs to somebody else. {REMEDY}")
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
            log.info(
                "waiting for one of %d GPUs; with --resources gpu=%d Snakemake starts no job before"
                " there is one for it",
                *[len(gpus)] * 2,
            )
            waiting = True
        time.sleep(WAIT)


def _take(path: str) -> bool:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UserError(f"{path}, a lock on a GPU: {error}. {REMEDY}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    except OSError as error:
        os.close(file)
        raise UserError(f"{path}, a lock on a GPU: {error}. {REMEDY}") from error
    _held[path] = file
    return True
