"""What a decoder may do: read its video and decode it, within bounds of memory."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from media.clips import write_clip_with_sound
from unmuted.errors import UserError
from unmuted.media import confinement
from unmuted.media.command import decode_command, open_input
from unmuted.media.confinement import check_sandbox, confine
from unmuted.media.ffmpeg import binary
from unmuted.media.frames import read_frames
from unmuted.media.probe import Limits, probe
from unmuted.media.process import Process, cpu_seconds
from unmuted.media.wav import read_wav

NO_BWRAP = confinement._problem(binary())
in_sandbox = pytest.mark.skipif(bool(NO_BWRAP), reason=f"no sandbox here: {NO_BWRAP}")
bounded = pytest.mark.skipif(shutil.which("prlimit") is None, reason="no prlimit here")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget what was found of this machine's programs."""
    caches = (confinement._problem, confinement._sandbox, confinement._bounds)
    for found in caches:
        found.cache_clear()
    yield
    for found in caches:
        found.cache_clear()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    sine = "sine=frequency=700:duration=1"
    return write_clip_with_sound(tmp_path / "a clip - é.mp4", sine, "-c:a", "aac")


@in_sandbox
def test_frames_and_sound_are_the_same_in_a_sandbox(clip: Path) -> None:
    read = []
    for sandbox in ("never", "always"):
        limits = Limits(sandbox=sandbox)
        found = probe(clip, limits)
        frames = read_frames(clip, found, 6, 48, limits)
        read.append((found, frames, read_wav(clip, found, limits=limits).samples))
    (bare, bare_frames, bare_sound), (found, frames, sound) = read
    assert found == bare
    np.testing.assert_array_equal(frames.images, bare_frames.images)
    np.testing.assert_array_equal(sound, bare_sound)


@in_sandbox
def test_a_sandbox_shows_one_video_and_no_network(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confinement, "_problem", lambda _: "")  # a shell in place of ffmpeg
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    program = ["/bin/sh", "-c", 'ls -A "$1"; cat "$2"; ls /sys/class/net /root /home; env', "sh"]
    command = confine([*program, str(tmp_path), str(secret)], clip, Limits(sandbox="always"))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == clip.name
    assert "secret" not in done.stdout
    assert "No such file" in done.stderr
    assert "PATH=/" not in done.stdout.replace("PATH=/usr", "")


@bounded
@pytest.mark.parametrize("sandbox", ["never", "auto"])
@pytest.mark.parametrize("megapixels", [1, 34, 100])
def test_the_memory_of_a_decoder_follows_from_the_largest_picture(
    clip: Path, sandbox: str, megapixels: int
) -> None:
    limits = Limits(sandbox=sandbox, max_pixels=megapixels * 10**6)
    needed = 8 * 6 * limits.max_pixels  # eight pictures that are not subsampled, of 16 bits
    assert needed < limits.memory < needed + 10**9

    def take(size: int) -> subprocess.CompletedProcess[str]:
        # Reserved, not touched: the bound is on the address space.
        program = [sys.executable, "-c", f"import mmap; mmap.mmap(-1, {size})"]
        return subprocess.run(confine(program, clip, limits), capture_output=True, text=True)

    assert take(limits.memory).returncode == 0
    refused = take(2 * limits.memory)
    assert refused.returncode != 0 and "Cannot allocate memory" in refused.stderr


@bounded
def test_the_smallest_limit_leaves_enough_memory_to_decode(clip: Path) -> None:
    limits = Limits(max_pixels=64 * 64)
    found = probe(clip, limits)
    assert read_frames(clip, found, 6, 48, limits).warning == ""
    assert read_wav(clip, found, limits=limits).warning == ""


@bounded
@pytest.mark.parametrize("sandbox", ["never", "auto"])
def test_a_decoder_writes_no_file(clip: Path, tmp_path: Path, sandbox: str) -> None:
    limits = Limits(sandbox=sandbox)
    written = tmp_path / "written"
    write = ["/bin/sh", "-c", 'echo text > "$1"', "sh", str(written)]
    assert subprocess.run(confine(write, clip, limits), capture_output=True).returncode != 0
    assert not written.exists() or written.stat().st_size == 0


@bounded
def test_a_job_with_less_memory_keeps_its_own_bound(clip: Path) -> None:
    """A batch system may have set a hard limit, which nobody can raise."""
    read = (
        "import sys; from pathlib import Path; from unmuted.media.probe import probe; "
        "print(probe(Path(sys.argv[1])).packets)"
    )
    half = f"--as={Limits().memory}:{Limits().memory}"
    done = subprocess.run(
        ["prlimit", half, sys.executable, "-c", read, str(clip)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_without_a_sandbox_it_is_refused_only_where_it_must_be(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which
    monkeypatch.setattr(
        confinement.shutil, "which", lambda name: None if name == "bwrap" else which(name)
    )
    output = open_input()["V:0"].output("pipe:1", format="null")
    commands = [
        decode_command(clip, output, limits=Limits(sandbox=sandbox))
        for sandbox in ("auto", "never")
    ]
    assert commands[0] == commands[1]
    for refuse in (
        lambda: decode_command(clip, output, limits=Limits(sandbox="always")),
        lambda: check_sandbox("always"),
    ):
        with pytest.raises(UserError, match=r"media\.sandbox is always, but there is no bwrap"):
            refuse()
    check_sandbox("auto")


@in_sandbox
def test_the_time_of_a_decoder_in_a_sandbox_counts_and_it_ends_with_the_process(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confinement, "_problem", lambda _: "")
    spin = ["/bin/sh", "-c", "while :; do :; done"]
    with Process(confine(spin, clip, Limits(sandbox="always")), 60.0) as run:
        pid, begun = run._process.pid, time.monotonic()
        while (cpu_seconds(pid) or 0.0) < 0.3:
            assert time.monotonic() - begun < 30
            threading.Event().wait(0.05)
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert children
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "the decoder outlived its job"
        threading.Event().wait(0.05)
