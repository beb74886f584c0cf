"""The ffmpeg that is run, its restrictions and its log."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import ffmpeg as graph
import pytest

from unmuted.dataset.containers import DEMUXERS
from unmuted.errors import UserError
from unmuted.media import ffmpeg
from unmuted.media.command import decode_command, open_input
from unmuted.media.failures import DecoderFailure
from unmuted.media.ffmpeg import MediaError
from unmuted.media.process import LOG_BYTES, Process


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The choice of the binary is made anew within and after the test."""
    ffmpeg.binary.cache_clear()
    ffmpeg.version.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    ffmpeg.binary.cache_clear()
    ffmpeg.version.cache_clear()


def write_fake(folder: Path, libavcodec: str) -> Path:
    fake = folder / "ffmpeg"
    fake.write_text(f"#!/bin/sh\necho ffmpeg version 0.fake\necho 'libavcodec     {libavcodec}'\n")
    fake.chmod(0o755)
    return fake


def test_the_ffmpeg_on_the_path_is_preferred(forgetful: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = write_fake(tmp_path, "59. 37.100 / 59. 37.100")
    forgetful.setenv("PATH", str(tmp_path))
    assert ffmpeg.binary() == str(fake)
    assert ffmpeg.version() == "0.fake"


def test_an_old_ffmpeg_on_the_path_is_passed_over(
    forgetful: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = write_fake(tmp_path, "58.134.100 / 58.134.100")
    forgetful.setenv("PATH", str(tmp_path))
    assert ffmpeg.binary() != str(fake)


def test_no_usable_ffmpeg_is_one_clear_message(
    forgetful: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = write_fake(tmp_path, "58.134.100 / 58.134.100")
    forgetful.setenv("PATH", str(tmp_path))
    forgetful.setenv("IMAGEIO_FFMPEG_EXE", str(fake))
    with pytest.raises(UserError, match=r"5\.1 or newer"):
        ffmpeg.binary()


@pytest.mark.parametrize("name", ["-a b%03d.mp4", "not_utf8_\udcff.mp4", "input", "-i"])
def test_every_input_is_restricted(name: str) -> None:
    arguments = decode_command(Path(name), open_input(max_pixels=9)["V:0"].output("input"))
    assert arguments.count("-i") == 1
    assert arguments[arguments.index("-i") + 1] == f"file:{Path.cwd()}/{name}"
    before = arguments[: arguments.index("-i")]
    assert before[before.index("-protocol_whitelist") + 1] == "file"
    assert before[before.index("-format_whitelist") + 1] == DEMUXERS
    assert before[before.index("-threads") + 1] == "1"
    assert before[before.index("-max_pixels") + 1] == "9"
    assert "-nostdin" in before
    assert arguments[-1] == "input"  # the output keeps its name


def test_an_input_without_restrictions_is_refused() -> None:
    bare = graph.input("/etc/passwd")
    for output in (bare.output("pipe:1"), open_input()["V:0"].output(bare["a:0"], "pipe:1")):
        with pytest.raises(ValueError, match=r"open_input\(\).*/etc/passwd"):
            decode_command(Path("clip.mp4"), output)


def test_ffmpeg_python_only_builds_command_lines(repository: Path) -> None:
    """Its own run, run_async and probe know no time limit, no bounded log and no whitelist."""
    library = repository / "workflow" / "scripts" / "unmuted"
    used = {}
    for path in library.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        aliases = [alias for node in imports for alias in node.names if alias.name == "ffmpeg"]
        if aliases:
            name = aliases[0].asname or "ffmpeg"
            used[str(path.relative_to(library))] = {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == name
            }
    assert used == {
        "media/command.py": {"input", "compile"},
        "media/step_frames.py": {"merge_outputs", "nodes"},
        "media/reel.py": {"merge_outputs"},
        "demo_world/files.py": {"input", "output", "compile"},
    }


def test_only_demuxers_of_one_file_are_allowed() -> None:
    allowed = set(DEMUXERS.split(","))
    others = (
        "concat hls dash image2 image2pipe lavfi sdp rtp rtsp sap imf vobsub avisynth dvdvideo mlv"
    )
    texts = "srt ass webvtt ffmetadata mpl2 tty realtext webm_dash_manifest libopenmpt libgme data"
    assert not allowed & set(others.split()) and not allowed & set(texts.split())
    listing = subprocess.run(
        [ffmpeg.binary(), "-hide_banner", "-demuxers"], capture_output=True, text=True, check=True
    )
    known = {
        n
        for line in listing.stdout.splitlines()
        if line[1:2] == "D"
        for n in line.split()[1].split(",")
    }
    assert {"mov", "matroska", "avi", "mpeg", "mpegts", "asf", "flv", "ogg"} <= allowed & known


def test_first_error_is_the_same_in_every_run() -> None:
    log = (
        "[in#0 @ 0x55d3879b0240] [warning] low score\n"
        "[mov,mp4 @ 0x55d3879b0240] [error] moov\x1b atom\u2028not found\n[error] later\n"
    )
    assert ffmpeg.first_error(log) == "moov atom not found"
    assert ffmpeg.first_error("[info]     title : [odd] name\n") == ""


def test_a_finding_carries_status_and_reason() -> None:
    finding = MediaError("no_video", "no video stream")
    assert (finding.status, finding.reason) == ("no_video", "no video stream")
    assert str(finding) == "no_video: no video stream"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_process_that_hangs_is_stopped() -> None:
    begun = time.monotonic()
    with Process(python("import time; time.sleep(60)"), timeout_s=0.3) as run:
        assert run.stdout.read() == b""
        with pytest.raises(DecoderFailure):
            run.finish()
    assert time.monotonic() - begun < 20


def test_leaving_the_block_stops_the_process() -> None:
    begun = time.monotonic()
    with Process(python("while True: print('x' * 1000)"), timeout_s=60) as run:
        assert run.stdout.read(10) == b"x" * 10
    assert time.monotonic() - begun < 20


def test_a_long_log_neither_blocks_nor_fills_the_memory() -> None:
    code = (
        f"import sys; sys.stderr.write('[error] first\\n' + 'y' * {LOG_BYTES * 40}); print('end')"
    )
    with Process(python(code), timeout_s=60) as run:
        assert run.stdout.read() == b"end\n"
        log = run.finish()
    assert len(log) == LOG_BYTES
    assert ffmpeg.first_error(log) == "first"


def test_a_failure_is_an_error_in_the_log() -> None:
    with Process(python("import sys; sys.exit(183)"), timeout_s=60) as run:
        run.stdout.read()
        assert "exit code 183" in ffmpeg.first_error(run.finish())


def test_a_process_reads_no_terminal() -> None:
    with Process(python("import sys; print(repr(sys.stdin.read()))"), timeout_s=60) as run:
        assert run.stdout.read() == b"''\n"
        assert run.finish() == ""
