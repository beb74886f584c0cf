"""Snakemake's lock on the working directory, freed when the Snakemake that held it was killed.

Snakemake cannot tell a lock that is in use from one that a kill -9 left behind, and asks for
--unlock. So each run writes its identity next to the lock (several may run at once, on different
outputs); a later run removes locks whose owners are all dead.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
from pathlib import Path

from unmuted.engine.artifacts import atomic
from unmuted.engine.processes import started

LOCKS = Path(".snakemake/locks")
OWNER = "owner-{pid}.json"
log = logging.getLogger("unmuted")


def claim_lock(locks: Path = LOCKS) -> None:
    """Record this process as an owner of the locks; Snakemake removes the record with the locks."""
    if locks.is_dir():
        pid = os.getpid()
        owner = {"host": socket.gethostname(), "pid": pid, "started": started(pid)}
        with atomic(locks / OWNER.format(pid=pid)) as temporary:
            temporary.write_text(json.dumps(owner), encoding="utf-8")


def release_stale_lock(locks: Path = LOCKS) -> bool:
    """Remove the locks if all owners ran on this machine and are dead; returns whether it did."""
    owners = sorted(locks.glob(OWNER.format(pid="*")))
    if not owners or not all(_is_dead(owner) for owner in owners):
        return False
    shutil.rmtree(locks)
    log.warning("removed the lock of a Snakemake that was killed (%s)", owners[0].stem)
    return True


def _is_dead(record: Path) -> bool:
    """Return whether the owner is known to be dead; an unreadable record tells nothing."""
    try:
        owner_fields = json.loads(record.read_text(encoding="utf-8"))
        same_host = owner_fields["host"] == socket.gethostname()
        return same_host and owner_fields["started"] != started(owner_fields["pid"])
    except (OSError, ValueError, TypeError, KeyError):
        return False
