"""A decoder at work: its output as a stream, its log kept within bounds, its time limited."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import cast

from unmuted.media.failures import DecoderFailure, decoder_failure
from unmuted.media.ffmpeg import MediaError

LOG_BYTES = 64 * 1024  # how much of the log is kept: a damaged file can cause megabytes
END_BYTES = 4096  # and of its end, which says why the decoder stopped
PATIENCE = 4  # wall-clock time over the time limit: cores and disks are shared
_LOOK_S = 0.25  # between two looks at the time that was used


class Process:
    """Run a command; read `stdout`, then call :meth:`finish`. Leaving the block stops it.

    Args:
        arguments: the command line.
        timeout_s: of CPU time, after which it is killed, which ends `stdout`. It is also killed
            after `PATIENCE` times as long on the clock. Where a system does not tell the CPU time
            of a process, the clock counts for both.
        pass_fds: file descriptors it inherits besides the standard three.

    Raises:
        DecoderFailure: it could not be started.
    """

    def __init__(
        self, arguments: Sequence[str], timeout_s: float, pass_fds: tuple[int, ...] = ()
    ) -> None:
        try:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=pass_fds,
                cwd=tempfile.gettempdir(),  # whatever is relative finds nothing
                process_group=0,
            )
        except OSError as error:
            raise DecoderFailure(f"the decoder could not be started ({error})") from error
        # PIPE gives buffered readers.
        self.stdout = cast(BufferedReader, self._process.stdout)
        self._stderr = cast(BufferedReader, self._process.stderr)
        self._timeout_s = timeout_s
        self._out_of_time: MediaError | DecoderFailure | None = None
        self._ended = threading.Event()
        self._log, self._log_end = bytearray(), bytearray()
        self._log_reader = threading.Thread(target=self._keep_log, daemon=True)
        self._watchdog = threading.Thread(target=self._watch_time, daemon=True)

    def __enter__(self) -> Process:
        self._log_reader.start()
        self._watchdog.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._kill()
        self._process.wait()
        self._watchdog.join()
        self._log_reader.join()
        self.stdout.close()
        self._stderr.close()

    def finish(self) -> str:
        """Wait for the end and return the beginning of the log; a failure is an error in it.

        Raises:
            MediaError: `timeout` where it used up its CPU time.
            DecoderFailure: it was stopped by something that says nothing about the video.
        """
        code = self._process.wait()
        self._ended.set()
        self._watchdog.join()
        self._log_reader.join()
        if self._out_of_time is not None:
            raise self._out_of_time
        log = self._log.decode("utf-8", errors="replace")
        end = self._log_end.decode("utf-8", errors="replace")
        if failure := decoder_failure(code, f"{log}\n{end}"):
            raise failure
        return log if code == 0 else f"{log}\n[error] the decoder ended with exit code {code}"

    def _keep_log(self) -> None:
        """Keep the beginning of the log, and the end of what comes after it."""
        for piece in iter(lambda: self._stderr.read1(LOG_BYTES), b""):
            room = LOG_BYTES - len(self._log)
            self._log.extend(piece[:room])
            self._log_end.extend(piece[room:])
            del self._log_end[:-END_BYTES]

    def _watch_time(self) -> None:
        """Kill the process when its time is over, and say which time it was."""
        limit, begun = self._timeout_s, time.monotonic()
        while not self._ended.wait(min(_LOOK_S, limit / 4)):
            elapsed = time.monotonic() - begun
            used = cpu_seconds(self._process.pid)
            if self._process.poll() is not None:
                return  # its output may still be read
            if (elapsed if used is None else used) >= limit:
                reason = f"decoding was stopped after {limit:g} s of CPU time"
                self._out_of_time = MediaError("timeout", reason)
            elif elapsed >= PATIENCE * limit:
                self._out_of_time = DecoderFailure(
                    f"the decoder was stopped after {elapsed:.0f} s, in which it had "
                    f"{used:.1f} s of CPU time: the machine or the disk is too busy"
                )
            if self._out_of_time is not None:
                self._kill()
                return

    def _kill(self) -> None:
        """Kill the process and all that it has started, unless it has ended.

        A sandbox that is killed while it is set up leaves a child that waits for it for ever, with
        the output open.
        """
        if self._process.returncode is None:  # so its number belongs to nobody else
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time of a process and of its children; None if unknown.

    A decoder in a sandbox is the child of bubblewrap.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = _children(pid)
    return None if children is None else own + sum(cpu_seconds(one) or 0.0 for one in children)


def _children(pid: int) -> list[int] | None:
    """Return the children of a process; None if it has ended, or the system does not tell."""
    try:
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return None
