"""Locks on file systems with flock, with POSIX locks alone, and with neither."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from unmuted.engine import file_lock
from unmuted.engine.file_lock import OWNER, has_locks, locked_file
from unmuted.engine.job_folder import locked
from unmuted.errors import UserError

HOLD = """
import errno, fcntl, sys
def refuse(*_): raise OSError(errno.ENOSYS, "Function not implemented")
for name in sys.argv[2:]:
    setattr(fcntl, name, refuse)
from pathlib import Path
from unmuted.engine.job_folder import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
LACKING = {"all": (), "no flock": ("flock",), "none": ("flock", "lockf")}


@pytest.fixture(params=LACKING)
def lacking(request, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    for name in LACKING[request.param]:
        monkeypatch.setattr(fcntl, name, refuse(errno.ENOSYS))
    return LACKING[request.param]


def refuse(number: int):
    def lock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return lock


def hold(folder: Path, lacking: tuple[str, ...], repository: Path) -> subprocess.Popen:
    """A process that holds the lock of a folder until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *lacking],
        cwd=repository / "workflow" / "scripts",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_only_one_process_holds_the_lock(
    tmp_path: Path, lacking: tuple[str, ...], repository: Path
) -> None:
    folder = tmp_path / "shard"
    other = hold(folder, lacking, repository)
    with pytest.raises(BlockingIOError), locked(folder, wait=False):
        pass
    ended = threading.Timer(0.5, other.communicate)
    ended.start()
    before = time.monotonic()
    with locked(folder):
        assert time.monotonic() - before > 0.3
    ended.join()
    with locked(folder, wait=False):
        pass


def test_the_lock_of_a_killed_process_is_free(
    tmp_path: Path, lacking: tuple[str, ...], repository: Path
) -> None:
    other = hold(tmp_path, lacking, repository)
    other.send_signal(signal.SIGKILL)
    other.wait()
    with locked(tmp_path, wait=False):
        pass
    assert not list(tmp_path.glob(f"*{OWNER}*"))


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL])
def test_each_way_of_having_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert has_locks(tmp_path)
    for name in ("flock", "lockf"):
        monkeypatch.setattr(fcntl, name, refuse(number))
    assert not has_locks(tmp_path)
    with locked(tmp_path):
        assert (tmp_path / f".lock{OWNER}").exists()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    assert "has no locks" in caplog.text


def test_another_error_of_the_lock_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    with pytest.raises(OSError, match="Input/output"), locked(tmp_path):
        pass


def test_an_owner_on_another_machine_is_dead_when_it_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("flock", "lockf"):
        monkeypatch.setattr(fcntl, name, refuse(errno.ENOLCK))
    monkeypatch.setattr(file_lock, "DEAD_AFTER", 1.0)
    owner = tmp_path / f".lock{OWNER}"
    owner.write_text(json.dumps({"host": f"not-{socket.gethostname()}", "pid": 1, "started": "1"}))
    before = time.monotonic()
    threading.Timer(0.6, os.utime, [owner]).start()  # it lives for a while
    with locked(tmp_path):
        assert time.monotonic() - before > 1.5
    assert not owner.exists()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_file_is_refused_by_name_and_a_link_is_not_followed(
    tmp_path: Path, kind: str
) -> None:
    path, other = tmp_path / ".lock", tmp_path / "precious"
    other.write_text("kept")
    {"link": lambda: path.symlink_to(other), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[
        kind
    ]()
    with pytest.raises(UserError, match=r"\.lock: expected a file"), locked_file(path):
        pass
    assert other.read_text() == "kept"


def test_a_file_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("kept")
    with locked(tmp_path):
        pass
    assert (tmp_path / ".lock").read_text() == "kept"
