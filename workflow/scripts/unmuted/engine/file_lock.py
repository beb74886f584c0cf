"""An exclusive lock on a file, also where the file system has no locks.

`flock` is freed by the kernel however a process ends. Lustre without the mount option `flock`, and
some FUSE and network file systems, do not have it. There the lock is the one of POSIX or, where
that is missing as well, a second file that only one process can make: it names its owner, who
touches it while it lives.

Imported by the Snakefile, so free of torch, numpy and pandas: every cluster job parses it again.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import stat
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unmuted.engine.processes import started
from unmuted.errors import UserError

OWNER = ".owner"  # ending of the second file
HEARTBEAT = 10.0  # seconds between two touches by the owner
DEAD_AFTER = 180.0  # seconds without a touch, where the owner is on another machine
RETRY = 0.2  # seconds between two attempts
_UNSUPPORTED = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
log = logging.getLogger("unmuted")


@contextmanager
def locked_file(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock on a file, which is made where it is missing, and never changed.

    Gives False where the file has been removed or replaced meanwhile, or its folder. Raises
    BlockingIOError without `wait` when the lock is taken, UserError where the path is a link or no
    file.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _not_a_file(path) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_a_file(path)
        for lock in (fcntl.flock, fcntl.lockf):
            if _take(lock, descriptor, path, wait):
                yield _is_still(path, descriptor)
                return
    finally:
        os.close(descriptor)
    log.warning(
        "%s: this file system has no locks; a file that names its owner serves as one", path
    )
    with _owned(path.with_name(path.name + OWNER), wait) as is_held:
        yield is_held


def has_locks(folder: Path) -> bool:
    """Return whether the file system of a folder, which is made, has locks of the kernel."""
    folder.mkdir(parents=True, exist_ok=True)
    trial = folder / f".lock-{os.getpid()}"
    try:
        with open(trial, "w") as file:
            return any(_try(lock, file.fileno()) for lock in (fcntl.flock, fcntl.lockf))
    finally:
        trial.unlink(missing_ok=True)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _not_a_file(path: Path) -> UserError:
    return UserError(f"{path}: expected a file, for a lock, found something else; move it away")


def _try(lock: Callable[[int, int], object], descriptor: int) -> bool:
    try:
        lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _UNSUPPORTED
    return True


def _take(lock: Callable[[int, int], object], descriptor: int, path: Path, wait: bool) -> bool:
    """Take the lock; returns False where the file system does not have this kind."""
    try:
        try:
            lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # EAGAIN, or EACCES of some POSIX locks
            if not wait:
                raise BlockingIOError(errno.EAGAIN, "the lock is taken", str(path)) from None
            _say_waiting(path)
            lock(descriptor, fcntl.LOCK_EX)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True


def _say_waiting(path: Path) -> None:
    log.warning("%s: waiting for an earlier job that is still at work here", path.parent)


# --- a file that names its owner -----------------------------------------------------------------


@contextmanager
def _owned(path: Path, wait: bool) -> Iterator[bool]:
    """Hold `path`, which only one process can make, and touch it while it is held.

    Gives False where its folder has been removed meanwhile.
    """
    pid = os.getpid()
    owner = {"host": socket.gethostname(), "pid": pid, "started": started(pid)}
    mark = json.dumps(owner | {"lock": uuid.uuid4().hex}).encode()
    try:
        _make_own(path, mark, wait)
    except FileNotFoundError:
        yield False
        return
    ended = threading.Event()
    heart = threading.Thread(target=_touch, args=(path, mark, ended), daemon=True)
    heart.start()
    try:
        yield True
    finally:
        ended.set()
        heart.join()
        if _content(path) == mark:
            path.unlink(missing_ok=True)


def _make_own(path: Path, mark: bytes, wait: bool) -> None:
    """Make the file, after the one of an owner that is dead has been removed."""
    seen: tuple[bytes, int] | None = None
    since = time.monotonic()
    is_logged = False
    while True:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(path, flags, 0o666)
        except FileExistsError:
            pass
        else:
            try:
                os.write(descriptor, mark)
            finally:
                os.close(descriptor)
            return
        state = _state(path)
        if state is None:
            continue  # its owner has ended just now
        if state != seen:
            seen, since = state, time.monotonic()
        if _is_dead(state[0], time.monotonic() - since):
            _remove_dead(path, state[0])
            continue
        if not wait:
            raise BlockingIOError(errno.EAGAIN, "the lock is taken", str(path))
        if not is_logged:
            _say_waiting(path)
            is_logged = True
        time.sleep(RETRY)


def _is_dead(mark: bytes, untouched: float) -> bool:
    """Return whether an owner is dead: at once on this machine, else by what was not touched."""
    try:
        owner = json.loads(mark)
        if owner["host"] == socket.gethostname():
            return owner["started"] != started(owner["pid"])
    except (ValueError, TypeError, KeyError):
        pass  # not yet written, or by a machine that died writing it
    return untouched > DEAD_AFTER


def _remove_dead(path: Path, mark: bytes) -> None:
    """Remove the file with this mark; one that another process has made meanwhile stays."""
    aside = path.with_name(f"{path.name}-{uuid.uuid4().hex}")
    try:
        os.rename(path, aside)
    except FileNotFoundError:
        return
    if _content(aside) != mark:
        with suppress(FileExistsError):  # and yet another process has made its own
            os.link(aside, path)
        aside.unlink()
        return
    aside.unlink(missing_ok=True)
    log.warning("%s: removed the lock of a job that was killed", path)


def _touch(path: Path, mark: bytes, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT):
        with suppress(OSError):  # pruned with its folder, or a disk that is away for a moment
            if _content(path) == mark:
                os.utime(path)


def _state(path: Path) -> tuple[bytes, int] | None:
    try:
        return path.read_bytes(), path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _content(path: Path) -> bytes | None:
    state = _state(path)
    return None if state is None else state[0]
