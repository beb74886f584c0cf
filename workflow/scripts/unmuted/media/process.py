"""A decoder at work: its output as a stream, its log kept within bounds, its time limited."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Sequence
from io import BufferedReader
from types import TracebackType
from typing import cast

from unmuted.media.ffmpeg import MediaError

LOG_BYTES = 64 * 1024  # how much of the log is kept: a damaged file can cause megabytes


class Process:
    """Run a command; read `stdout`, then call :meth:`finish`. Leaving the block stops it.

    Args:
        arguments: the command line.
        timeout_s: after which it is killed, which ends `stdout`.
        pass_fds: file descriptors it inherits besides the standard three.
    """

    def __init__(
        self, arguments: Sequence[str], timeout_s: float, pass_fds: tuple[int, ...] = ()
    ) -> None:
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
            cwd=tempfile.gettempdir(),  # whatever is relative finds nothing
        )
        # PIPE gives buffered readers.
        self.stdout = cast(BufferedReader, self._process.stdout)
        self._stderr = cast(BufferedReader, self._process.stderr)
        self._timeout_s = timeout_s
        self._timed_out = threading.Event()
        self._log = bytearray()
        self._log_reader = threading.Thread(target=self._keep_beginning_of_log, daemon=True)
        self._watchdog = threading.Timer(timeout_s, self._time_out)
        self._watchdog.daemon = True

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
        self._watchdog.cancel()
        self._process.kill()  # does nothing where it has ended
        self._process.wait()
        self._log_reader.join()
        self.stdout.close()
        self._stderr.close()

    def finish(self) -> str:
        """Wait for the end and return the beginning of the log; a failure is an error in it.

        Raises:
            MediaError: `timeout` where the time limit stopped it.
        """
        code = self._process.wait()
        self._log_reader.join()
        if self._timed_out.is_set():
            raise MediaError("timeout", f"decoding was stopped after {self._timeout_s:g} s")
        log = self._log.decode("utf-8", errors="replace")
        return log if code == 0 else f"{log}\n[error] the decoder ended with exit code {code}"

    def _keep_beginning_of_log(self) -> None:
        for piece in iter(lambda: self._stderr.read1(LOG_BYTES), b""):
            self._log.extend(piece[: LOG_BYTES - len(self._log)])

    def _time_out(self) -> None:
        self._timed_out.set()
        self._process.kill()
