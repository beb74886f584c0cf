"""Snakemake's lock: freed when its owners are dead, kept in every other case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unmuted.engine.locks import claim_lock, release_stale_lock

CLAIM = """
import sys
from pathlib import Path
from unmuted.engine.locks import claim_lock
claim_lock(Path(sys.argv[1]))
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    folder = tmp_path / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.output.lock").write_text("results/a\n")
    return folder


@pytest.fixture
def owner(repository: Path, locks: Path) -> Iterator[subprocess.Popen]:
    """A process that has claimed the lock and lives until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(locks)],
        cwd=repository / "workflow" / "scripts",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "claimed\n"
    yield process
    process.kill()
    process.communicate()


def note(locks: Path, pid: int, **changes: object) -> None:
    claim_lock(locks)
    own = locks / f"owner-{os.getpid()}.json"
    owner = json.loads(own.read_text()) | {"pid": pid, **changes}
    own.unlink()
    (locks / f"owner-{pid}.json").write_text(json.dumps(owner))


def test_the_lock_of_a_living_owner_is_kept(locks: Path, owner: subprocess.Popen) -> None:
    assert not release_stale_lock(locks)
    assert (locks / "0.output.lock").exists()


def test_the_lock_of_a_killed_owner_is_freed(locks: Path, owner: subprocess.Popen) -> None:
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert release_stale_lock(locks)
    assert not locks.exists()
    assert not release_stale_lock(locks)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="zombies are told by /proc")
def test_a_killed_owner_that_nobody_has_reaped_is_dead(
    locks: Path, owner: subprocess.Popen
) -> None:
    """As in a container whose first process does not reap."""
    owner.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)  # dead, and still listed
    assert Path(f"/proc/{owner.pid}/stat").exists()
    assert release_stale_lock(locks)


def test_one_living_owner_of_two_keeps_the_lock(locks: Path, owner: subprocess.Popen) -> None:
    note(locks, 2**22 + 7)  # beyond the largest process number
    assert not release_stale_lock(locks)
    owner.kill()
    owner.wait()
    assert release_stale_lock(locks)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times stand in /proc")
def test_a_process_number_that_was_used_again_is_not_the_owner(locks: Path) -> None:
    note(locks, os.getpid(), started="1")
    assert release_stale_lock(locks)


def test_the_lock_of_another_machine_is_kept(locks: Path) -> None:
    note(locks, 2**22 + 7, host="elsewhere")
    assert not release_stale_lock(locks)


def test_a_lock_without_a_note_is_kept(locks: Path) -> None:
    assert not release_stale_lock(locks)
    assert (locks / "0.output.lock").exists()


@pytest.mark.parametrize("content", ["", '{"host": "x', "[]", "{}", '"text"', "null"])
def test_a_torn_note_frees_nothing_and_stops_nothing(locks: Path, content: str) -> None:
    (locks / "owner-1.json").write_text(content)
    assert not release_stale_lock(locks)
    assert (locks / "0.output.lock").exists()


def test_nothing_is_claimed_where_nothing_is_locked(tmp_path: Path) -> None:
    claim_lock(tmp_path / "locks")  # snakemake --nolock
    assert not (tmp_path / "locks").exists()
    assert not release_stale_lock(tmp_path / "locks")
