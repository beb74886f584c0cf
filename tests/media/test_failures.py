"""How a decoder ends: what is a finding about the video, and what is the machine's doing."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from media.clips import run_ffmpeg
from unmuted.dataset.limits import Limits
from unmuted.errors import MachineError
from unmuted.media import control, process
from unmuted.media.command import decode_command, open_input
from unmuted.media.control import can_decode
from unmuted.media.failures import DecoderFailure, decoder_failure
from unmuted.media.ffmpeg import MediaError, binary
from unmuted.media.process import LOG_BYTES, Process

SPIN = "while True: pass"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def killed_by(number: signal.Signals) -> list[str]:
    return python(f"import os; print('half', flush=True); os.kill(os.getpid(), {int(number)})")


def run(command: list[str], timeout_s: float = 60) -> str:
    with Process(command, timeout_s) as running:
        running.stdout.read()
        return running.finish()


@pytest.mark.parametrize(
    "number",
    [
        *(signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
        *(signal.SIGXCPU, signal.SIGUSR1, signal.SIGPIPE),
    ],
)
def test_a_signal_from_outside_says_nothing_about_the_video(number: signal.Signals) -> None:
    # A process of Python turns SIGINT into an exception and ignores SIGPIPE: the default for both.
    command = python(
        f"import os, signal; signal.signal({int(number)}, signal.SIG_DFL) "
        f"if {int(number)} != signal.SIGKILL else None; os.kill(os.getpid(), {int(number)})"
    )
    with pytest.raises(DecoderFailure, match=number.name) as failure:
        run(command)
    assert failure.value.finding == ""
    assert isinstance(failure.value, MachineError) and not isinstance(failure.value, MediaError)


@pytest.mark.parametrize(
    "number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS]
)
def test_a_crash_may_be_the_video_s_doing_but_is_no_finding_yet(number: signal.Signals) -> None:
    with pytest.raises(DecoderFailure, match=number.name) as failure:
        run(killed_by(number))
    assert failure.value.finding == "decoder_crash"


@pytest.mark.parametrize("code", [129, 130, 137, 143])
def test_a_wrapper_whose_decoder_was_killed_is_seen_through(code: int) -> None:
    with pytest.raises(DecoderFailure, match=signal.Signals(code - 128).name):
        run(python(f"import sys; sys.exit({code})"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ffmpeg_that_ends_in_good_order_after_a_signal_is_not_done(
    number: signal.Signals, tmp_path: Path
) -> None:
    options = ["-f", "lavfi", "-i", "testsrc=size=1920x1080", "-f", "rawvideo", "pipe:1"]
    with Process([binary(), "-nostdin", "-loglevel", "level+error", *options], 60) as running:
        running.stdout.read(1 << 20)
        running._process.send_signal(number)
        running.stdout.read()
        with pytest.raises(DecoderFailure, match="stopped by a signal"):
            running.finish()


E = "[in#0 @ 0x55] [error] "
D = "[vist#0:0/h264 @ 0x5] [dec:h264 @ 0x6] [error] "


@pytest.mark.parametrize(
    ("code", "log"),
    [
        (244, f"{E}Error opening input: Cannot allocate memory"),
        (244, ""),
        (245, f"{E}pthread_create() failed: Resource temporarily unavailable"),
        (245, ""),
        (0, f"{D}Error submitting packet to decoder: Cannot allocate memory\n[error] other"),
        (187, "[fatal] pthread_create failed: Resource temporarily unavailable. Try `ulimit -v`"),
        (1, f"{E}Error opening input: Out of memory."),
    ],
)
def test_a_lack_of_memory_or_threads_is_no_finding(code: int, log: str) -> None:
    failure = decoder_failure(code, log)
    assert failure is not None and failure.finding == "no_memory"


@pytest.mark.parametrize(
    "text",
    ["Permission denied", "Stale file handle", "Transport endpoint is not connected"],
)
def test_a_file_that_cannot_be_read_is_no_finding(text: str) -> None:
    for line in (f"{E}Error opening input: {text}", f"{E}Error during demuxing: {text}"):
        failure = decoder_failure(0, line)
        assert failure is not None and text in failure.reason and failure.finding == ""


def test_an_input_error_may_be_the_video_s_doing() -> None:
    failure = decoder_failure(251, f"{E}Error opening input: Input/output error")
    assert failure is not None and failure.finding == "unreadable"


@pytest.mark.parametrize("code", [126, 127])
def test_a_decoder_that_cannot_be_started_is_no_finding(code: int) -> None:
    assert decoder_failure(code, "") is not None
    with pytest.raises(DecoderFailure, match="could not be started"):
        Process(["/no/such/ffmpeg"], 1)


@pytest.mark.parametrize(
    ("code", "log"),
    [
        (0, ""),
        (183, f"{E}Error opening input: Invalid data found when processing input"),
        # The error -1 of old decoders, which exits with the number that a signal gives as well.
        (255, f"{D}Error while opening decoder: Operation not permitted"),
        (0, f"{D}Error submitting packet to decoder: Operation not permitted"),
        (234, "[error] Invalid argument"),
        (69, "[error] Decode error rate 0.9 exceeds maximum 0.666667"),
        (0, "[info]     title           : Cannot allocate memory"),
        (0, f"{D}Could not find a file: No such file or directory"),
    ],
)
def test_what_a_damaged_file_does_is_a_finding(code: int, log: str) -> None:
    assert decoder_failure(code, log) is None


def test_a_signal_is_seen_behind_an_error_of_a_packet() -> None:
    log = f"{D}Error submitting packet to decoder: Operation not permitted"
    failure = decoder_failure(255, log)
    assert failure is not None and failure.finding == ""


def test_the_end_of_a_long_log_counts(tmp_path: Path) -> None:
    code = (
        "import sys; sys.stderr.write('[error] noise\\n' * "
        f"{LOG_BYTES}); sys.stderr.write('[error] Error opening input: Cannot allocate memory\\n')"
    )
    with pytest.raises(DecoderFailure, match="Cannot allocate memory"):
        run(python(code))


# --- time -----------------------------------------------------------------------------------------


def test_a_decoder_that_uses_up_its_cpu_time_was_slow_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "PATIENCE", 1000)  # the machine may be busy
    with pytest.raises(MediaError, match="timeout"):
        run(python(SPIN), timeout_s=0.5)


def test_a_decoder_that_got_no_cpu_time_is_the_machine_s_doing() -> None:
    with pytest.raises(DecoderFailure, match="too busy") as failure:
        run(python("import time; time.sleep(60)"), timeout_s=0.5)
    assert failure.value.finding == ""


def test_a_stopped_decoder_is_the_machine_s_doing() -> None:
    with Process(python(SPIN), timeout_s=1) as running:
        running._process.send_signal(signal.SIGSTOP)
        running.stdout.read()
        with pytest.raises(DecoderFailure, match="too busy"):
            running.finish()


def test_what_a_stopped_decoder_has_started_is_stopped_too() -> None:
    """As a sandbox that is killed before it is set up: its child keeps the output open."""
    script = "sleep 120 & echo $!; wait"
    begun = time.monotonic()
    with Process(["sh", "-c", script], 0.2) as work:
        child = int(work.stdout.readline())
        assert work.stdout.read() == b""  # ends with the last that could write
        with pytest.raises(DecoderFailure):
            work.finish()
    assert not is_running(child)
    assert time.monotonic() - begun < 60


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_decoder_that_has_ended_may_be_read_for_as_long_as_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "PATIENCE", 1)
    with Process(python("print('done')"), timeout_s=0.6) as running:
        running._process.wait()
        assert not running._ended.wait(1.5)
        assert running.stdout.read() == b"done\n"
        assert running.finish() == ""


PARENT_OF_A_SPINNING_CHILD = r"""
import os, subprocess, sys
from unmuted.media.process import cpu_seconds
spin = "import time\nwhile time.process_time() < 0.5: pass\nprint(flush=True)\ninput()"
child = subprocess.Popen(
    [sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE
)
child.stdout.readline()
print(cpu_seconds(os.getpid()) - sum(os.times()[:4]))
child.communicate(b"\n")
"""


def test_cpu_time_is_that_of_the_process_and_of_its_living_children() -> None:
    # In a process of its own: other tests may have left children to this one.
    done = subprocess.run(
        python(PARENT_OF_A_SPINNING_CHILD), capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(0.5, abs=0.2)


# --- the control ----------------------------------------------------------------------------------


def limited_ffmpeg(folder: Path, kilobytes: int) -> Path:
    """An ffmpeg that may use so much address space."""
    path = folder / "ffmpeg"
    path.write_text(f'#!/bin/bash\nulimit -v {kilobytes}\nexec "{binary()}" "$@"\n')
    path.chmod(0o755)
    return path


def test_the_control_fails_where_memory_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert can_decode(Limits())
    limited = limited_ffmpeg(tmp_path, 300_000)
    monkeypatch.setattr(control, "binary", lambda: str(limited))
    assert not can_decode(Limits())


def test_the_control_has_the_bounds_and_the_pictures_of_the_configured_limits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands = []
    monkeypatch.setattr(
        control, "Process", lambda command, _: commands.append(command) or contextlib.nullcontext()
    )
    for limits in (Limits(max_pixels=10_000, sandbox="never"), Limits(max_pixels=10**9)):
        with contextlib.suppress(AttributeError):  # there is no process
            can_decode(limits)
    small, large = (" ".join(command) for command in commands)
    assert "size=100x100:" in small and "bwrap" not in small
    assert "size=5830x5830:" in large  # no larger than what fits into any bound
    assert f"--as={2 * Limits(max_pixels=10_000).memory} " in small


@pytest.mark.parametrize("kilobytes", [60_000, 150_000])
def test_a_real_lack_of_memory_is_never_a_finding(
    kilobytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "clip.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=duration=1:size=64x64"]
    run_ffmpeg(*source, "-c:v", "libx264", "-preset", "ultrafast", clip)
    command = decode_command(clip, open_input()["V:0"].output("pipe:1", format="rawvideo"))
    limited = limited_ffmpeg(tmp_path, kilobytes)
    done = subprocess.run([limited, *command[1:]], capture_output=True)
    assert decoder_failure(done.returncode, done.stderr.decode()) is not None, done


@pytest.mark.parametrize(
    "line",
    [
        "bwrap: Creating new namespace failed: No space left on device",
        "prlimit: failed to set the AS resource limit: Operation not permitted",
    ],
)
def test_bounds_that_cannot_be_set_are_no_finding(line: str) -> None:
    failure = decoder_failure(1, f"{line}\n")
    assert failure is not None and line in failure.reason and not failure.finding
    assert decoder_failure(1, f"[error] {line}\n") is None  # text of a file
