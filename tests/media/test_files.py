"""Paths that must not reach a decoder, and files that must not make it open others."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from media.clips import run_ffmpeg, write_numbered_clip
from media.external_reference import with_alias
from media.opens import recorded_opens
from unmuted.errors import MachineError
from unmuted.media.command import decode_command, open_input
from unmuted.media.ffmpeg import MediaError
from unmuted.media.files import check_file
from unmuted.media.probe import probe

NOBODY = 65534


def status_of(path: Path, **options: object) -> str:
    with pytest.raises(MediaError) as finding:
        check_file(path, **options)
    assert "\n" not in finding.value.reason
    return finding.value.status


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "clip.mp4").write_bytes(b"not empty")
    return folder


def test_a_regular_file_passes(data: Path) -> None:
    check_file(data / "clip.mp4", root=data)


def test_a_pipe_is_refused_without_waiting_for_its_writer(data: Path) -> None:
    os.mkfifo(data / "x.mp4")
    assert status_of(data / "x.mp4") == "not_a_file"


def test_folder_device_and_socket_are_no_files(data: Path) -> None:
    (data / "folder.mp4").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(data)  # the path of a socket is short
        try:
            server.bind("socket.mp4")
        finally:
            os.chdir(here)
        for path in (data / "folder.mp4", Path("/dev/zero"), data / "socket.mp4"):
            assert status_of(path) == "not_a_file"


def test_nothing_there_or_nothing_in_it(data: Path) -> None:
    (data / "empty.mp4").touch()
    (data / "dangling.mp4").symlink_to(data / "gone.mp4")
    assert status_of(data / "empty.mp4") == "empty"
    assert status_of(data / "gone.mp4") == "missing"
    assert status_of(data / "dangling.mp4") == "missing"
    assert status_of(data / "clip.mp4" / "below_a_file.mp4") == "missing"


def test_a_link_in_a_circle(data: Path) -> None:
    (data / "a.mp4").symlink_to(data / "b.mp4")
    (data / "b.mp4").symlink_to(data / "a.mp4")
    assert status_of(data / "a.mp4") == "link_loop"


def test_links_may_lead_within_the_folder_but_not_out_of_it(data: Path) -> None:
    outside = data.parent / "outside.mp4"
    outside.write_bytes(b"not empty")
    (data / "in.mp4").symlink_to(data / "clip.mp4")
    (data / "out.mp4").symlink_to(outside)
    (data / "parent").symlink_to(data.parent)
    check_file(data / "in.mp4", root=data)
    assert status_of(data / "out.mp4", root=data) == "outside_folder"
    assert status_of(data / "parent" / "outside.mp4", root=data) == "outside_folder"
    assert status_of(data / ".." / "outside.mp4", root=data) == "outside_folder"
    check_file(data / "out.mp4", root=data, follow_links=True)
    check_file(data / "out.mp4")


def test_the_folder_itself_may_be_a_link(data: Path) -> None:
    (data.parent / "alias").symlink_to(data)
    check_file(data.parent / "alias" / "clip.mp4", root=data.parent / "alias")


def test_a_sibling_whose_name_begins_alike_is_outside(data: Path) -> None:
    twin = data.parent / "data2"
    twin.mkdir()
    (twin / "x.mp4").write_bytes(b"not empty")
    (data / "x.mp4").symlink_to(twin / "x.mp4")
    assert status_of(data / "x.mp4", root=data) == "outside_folder"


def test_a_file_without_read_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        secret = Path(folder) / "secret.mp4"
        secret.write_bytes(b"not empty")
        secret.chmod(0)
        message = as_ordinary_user(lambda: failure_of(secret))
        user = pwd.getpwuid(os.geteuid() or NOBODY).pw_name
        assert str(secret) in message and f"the user {user} cannot read" in message
        assert "Permission denied" in message and "\n" not in message


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOTCONN])
def test_a_disk_that_does_not_answer_is_no_finding(
    data: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    for function in ("open", "read"):
        with monkeypatch.context() as patched:
            patched.setattr(f"unmuted.media.files.os.{function}", refuse)
            message = failure_of(data / "clip.mp4")
        assert os.strerror(number) in message and str(data / "clip.mp4") in message


def failure_of(path: Path) -> str:
    with pytest.raises(MachineError) as failure:
        check_file(path)
    return str(failure.value)


def as_ordinary_user(action: Callable[[], str]) -> str:
    """What `action` returns; as the superuser may read everything, it is done by nobody then."""
    if os.geteuid() != 0:
        return action()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(NOBODY)
            os.write(writing, action().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as answer:
        os.waitpid(child, 0)
        return answer.read()


LISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsibling.ts\n#EXT-X-ENDLIST\n",
    "hls_mark": "\ufeff#EXTM3U\n#EXTINF:3,\nsibling.ts\n",
    "concat": "ffconcat version 1.0\nfile sibling.ts\n",
    "dash": '<?xml version="1.0"?><MPD><Period><AdaptationSet><Representation><BaseURL>sibling.ts'
    "</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_lists_of_other_files_are_not_allowed(kind: str, data: Path) -> None:
    (data / "list.mp4").write_text(LISTS[kind], encoding="utf-8")
    assert status_of(data / "list.mp4") == "not_allowed"


@pytest.fixture(scope="module")
def baited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a valid video, and lists and containers that name it."""
    folder = tmp_path_factory.mktemp("baited")
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", folder / "sibling.ts")
    for kind in ("hls", "concat"):
        (folder / f"{kind}.mp4").write_text(LISTS[kind])
    # ffmpeg by itself recognises a playlist by its usual name only
    (folder / "hls.m3u8").write_text(LISTS["hls"])
    movie = write_numbered_clip(folder / "sibling.mov", range(25), 25)
    (folder / "alias.mov").write_bytes(with_alias(movie.read_bytes(), "sibling.mov"))
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1:r=3", folder / "picture_%d.png")
    return folder


# Each with the options that make an unrestricted ffmpeg follow it, to show that the bait is live.
BAITS = {
    "concat.mp4": (),
    "hls.m3u8": (),
    "picture_%d.png": (),
    "alias.mov": ("-enable_drefs", "1"),
}


@pytest.mark.parametrize("name", BAITS)
def test_an_unrestricted_ffmpeg_follows_the_bait(name: str, baited: Path) -> None:
    with recorded_opens(baited) as opened:
        run_ffmpeg(*BAITS[name], "-i", baited / name, "-map", "0:v", "-f", "null", "-")
    assert set(opened) - {name}, "the bait names a file that ffmpeg opens"


@pytest.mark.parametrize("name", BAITS)
def test_nothing_but_the_file_itself_is_opened(name: str, baited: Path) -> None:
    # Past check_file(), which would refuse the lists by their first words: the demuxers alone.
    output = open_input()["v"].output("-", format="null")
    command = decode_command(baited / name, output, log_level="debug")
    with recorded_opens(baited) as opened:
        subprocess.run(command, capture_output=True, check=False)
    assert set(opened) <= {name}


@pytest.mark.parametrize("name", ["concat.mp4", "hls.m3u8", "alias.mov"])
def test_probing_opens_nothing_but_the_file_itself(name: str, baited: Path) -> None:
    with recorded_opens(baited) as opened, pytest.raises(MediaError) as finding:
        probe(baited / name)
    assert set(opened) == {name}
    assert finding.value.status == ("no_frames" if name == "alias.mov" else "not_allowed")


def test_a_pattern_in_a_name_is_no_pattern(tmp_path: Path) -> None:
    clip = write_numbered_clip(tmp_path / "percent_%03d_%s.mp4", range(5), 25, ("-update", "0"))
    assert probe(clip).packets == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("../../store/a.mp4", "a link that was copied as a text with the other file's path"),
        ("/data/store/a.mp4\n", "a link that was copied as a text"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n", "`git lfs pull`"),
        ("/annex/objects/SHA256E-s12--ab.mp4\n", "`git annex get`"),
    ],
)
def test_what_stands_for_a_file_that_is_not_there_is_named(
    tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "a.mp4").write_text(content)
    with pytest.raises(MediaError) as finding:
        check_file(tmp_path / "a.mp4")
    assert finding.value.status == "not_allowed" and words in finding.value.reason


def test_a_reason_names_the_setting_that_decides(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "v" / "a.mp4").symlink_to(tmp_path / "a.mp4")
    with pytest.raises(MediaError) as finding:
        check_file(tmp_path / "v" / "a.mp4", tmp_path / "v")
    assert finding.value.reason == (
        "the path leads out of the data folder; set videos.follow_links"
    )
    assert MediaError("too_long", "90 s").reason == "90 s; set videos.max_seconds"
    assert MediaError("too_large", "x").reason == "x; set videos.max_megapixels"
    assert MediaError("empty", "no bytes").reason == "no bytes"
