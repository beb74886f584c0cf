"""Which ends of a decoder say nothing about the video: signals, a lack of memory, a lost disk.

ffmpeg exits with a signal's number below zero, with 255 where it caught the signal (the launching
shell of a wrapper: with 128 + the number), and with the low byte of the negative error otherwise.
"""

from __future__ import annotations

import errno
import os
import re
import signal

from unmuted.errors import MachineError


class DecoderFailure(MachineError):
    """A decoder did not come to its own end, so nothing is known of the video.

    Attributes:
        reason: one line for a person, without the name of the file.
        finding: the status of the video if every further try ends in the same way; empty where it
            cannot be the video's doing.
    """

    def __init__(self, reason: str, finding: str = "") -> None:
        super().__init__(reason)
        self.reason, self.finding = reason, finding


# Signals that a process causes itself, by a defect that a damaged video may have met.
_CRASHES = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL),
    *(signal.SIGTRAP, signal.SIGSYS),
}
_CAUGHT = (255, 123)  # of ffmpeg after a signal; 123: after more than three
_NOT_STARTED = (126, 127)  # of a shell, and of the loader of shared libraries
_SHELL = 128
_CONFINEMENT = re.compile(r"(?:bwrap|prlimit): .*")  # a line of ffmpeg begins with its level

_ERROR_LINE = re.compile(r"\[(?:panic|fatal|error)\] ?(.*)$", re.MULTILINE)
_SHORTAGE = {os.strerror(number) for number in (errno.ENOMEM, errno.EAGAIN)} | {"Out of memory"}
# Of opening or reading the file. A demuxer may say EIO of a damaged file as well.
_LOST = {
    os.strerror(number)
    for number in (
        *(errno.EACCES, errno.ENOENT, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN),
        *(errno.ENOTCONN, errno.EREMOTEIO, errno.EMFILE, errno.ENFILE, errno.ENODEV, errno.ENXIO),
    )
}
_READING = re.compile(r"^Error (?:opening input|during demuxing)")
_REFUSED = os.strerror(errno.EPERM)  # the error -1 of old decoders, which also exits with 255


def decoder_failure(code: int, log: str) -> DecoderFailure | None:
    """Return what stopped a decoder from outside; None where its end is about the video.

    code: its exit status, as `subprocess` gives it. log: with the level of each line.
    """
    number = _signal_of(code)
    if number in _CRASHES:
        return DecoderFailure(f"the decoder crashed ({_name(number)})", "decoder_crash")
    if number:
        return DecoderFailure(f"the decoder was killed ({_name(number)})")
    if code in _NOT_STARTED:
        return DecoderFailure(f"the decoder could not be started (exit code {code})")
    if code and (refused := _CONFINEMENT.match(log)):
        return DecoderFailure(f"the bounds of the decoder could not be set ({refused[0]})")
    lines = [line.rstrip(". \t\r") for line in _ERROR_LINE.findall(log)]
    if shortage := next(filter(_is_shortage, lines), "") or _named(code, _SHORTAGE):
        return DecoderFailure(f"the decoder ran out of memory or threads ({shortage})", "no_memory")
    if lost := next(filter(_is_lost, lines), ""):
        finding = "unreadable" if lost.endswith(os.strerror(errno.EIO)) else ""
        return DecoderFailure(f"the decoder could not read the file ({lost})", finding)
    if code in _CAUGHT and not any(map(_is_refused, lines)):
        return DecoderFailure(f"the decoder was stopped by a signal (exit code {code})")
    return None


def _signal_of(code: int) -> int:
    """Return the signal that ended a process, or the child of a shell; 0 for another end."""
    if code < 0:
        return -code
    by_shell = {
        *_CRASHES,
        *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM),
        *(signal.SIGXCPU, signal.SIGXFSZ),
    }
    return code - _SHELL if code - _SHELL in by_shell else 0


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _named(code: int, texts: set[str]) -> str:
    """Return the text of the error with which ffmpeg exits, if it is one of these."""
    text = os.strerror(256 - code) if 128 < code < 255 else ""
    return text if text in texts else ""


def _is_shortage(line: str) -> bool:
    return "pthread_create" in line or any(line.endswith(text) for text in _SHORTAGE)


def _is_lost(line: str) -> bool:
    is_about_reading = _READING.match(line) is not None
    return is_about_reading and any(line.endswith(f": {text}") for text in _LOST)


def _is_refused(line: str) -> bool:
    """Return whether a line tells of an error -1 that ends ffmpeg: that of a packet does not."""
    return line.endswith(_REFUSED) and "submitting packet" not in line
