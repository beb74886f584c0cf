"""Whether a process is still the one that it was, on this machine.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

BOOT = Path("/proc/sys/kernel/random/boot_id")


def started(pid: int) -> str | None:
    """Return the start time of a process in clock ticks since boot, against reused numbers.

    None when there is no such process, or only its entry is left (a zombie). Without /proc (not
    Linux) every live process counts as started at "unknown": a lock is then kept rather than taken
    from a process that may be its owner.
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
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def boot() -> str:
    """Return what identifies the time since this machine was started last; its name at least."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
