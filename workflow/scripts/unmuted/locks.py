"""Snakemake's lock on the working directory, freed when the Snakemake that held it was killed.

Snakemake cannot tell a lock that is in use from one that a kill -9 left behind, and asks for
--unlock. So each run notes who it is beside the lock; a later run removes a lock whose owner is
dead.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from pathlib import Path

LOCKS = Path(".snakemake/locks")
OWNER = "owner.json"
log = logging.getLogger("unmuted")


def claim_lock(locks: Path = LOCKS) -> None:
    """Note this process as the owner of the lock; Snakemake removes the note with the lock."""
    if locks.is_dir():
        owner = {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid())}
        (locks / OWNER).write_text(json.dumps(owner), encoding="utf-8")


def release_stale_lock(locks: Path = LOCKS) -> bool:
    """Remove the lock if its owner ran on this machine and is dead; returns whether it did."""
    note = locks / OWNER
    if not note.is_file():
        return False
    owner = json.loads(note.read_text(encoding="utf-8"))
    same_host = owner["host"] == socket.gethostname()
    if not same_host or owner["started"] == _started(owner["pid"]):
        return False
    shutil.rmtree(locks)
    log.warning("removed the lock of a Snakemake that was killed (process %d)", owner["pid"])
    return True


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot, so that a reused number is told apart.

    None when there is no such process. Without /proc (not Linux) every live process counts as
    started at "unknown": a lock is then kept rather than taken from a process that may be its
    owner.
    """
    if not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return "unknown"
        return "unknown"
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return stat.rpartition(")")[2].split()[19]
