"""The folder of the site: only what changed is written, and only what is stale is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_site import make_site, without_drawing
from unmuted.errors import UserError
from unmuted.site.folder import JOURNAL, LIST, SiteFolder

pytestmark = pytest.mark.unit


def write(folder: Path, files: dict[str, str]) -> tuple[int, int]:
    """Write a site of these files; the numbers of written and of removed files."""
    site = SiteFolder(folder)
    for path, text in files.items():
        site.write(path, text.encode())
    return site.written, site.close()


def test_files_that_do_not_change_are_not_written_again(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "a", "csv/b.csv": "b"})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*") if path.is_file()}
    assert write(tmp_path, {"a.html": "changed", "csv/b.csv": "b"}) == (1, 0)
    assert (tmp_path / "a.html").read_text() == "changed"
    assert (tmp_path / "csv/b.csv").stat().st_mtime_ns == before[tmp_path / "csv/b.csv"]


def test_a_file_of_the_same_size_with_other_bytes_is_written(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "aaaa"})
    assert write(tmp_path, {"a.html": "bbbb"}) == (1, 0)
    assert (tmp_path / "a.html").read_text() == "bbbb"


def test_files_of_an_earlier_run_are_removed_with_their_empty_folders(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "a", "videos/x.html": "x", "csv/b.csv": "b", "csv/c.csv": "c"})
    (tmp_path / "notes.txt").write_text("a person's own")
    assert write(tmp_path, {"a.html": "a", "csv/b.csv": "b"}) == (0, 2)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"a.html", "csv", "csv/b.csv", "notes.txt", LIST}


def test_a_file_that_a_person_removed_is_no_problem(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "a", "videos/x.html": "x"})
    (tmp_path / "videos/x.html").unlink()
    assert write(tmp_path, {"a.html": "a"}) == (0, 1)


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("mine")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "a.html").symlink_to(other)
    write(folder, {"a.html": "a"})
    assert other.read_text() == "mine" and not (folder / "a.html").is_symlink()


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", ".hidden", "a b", "a?b", "a/../b", ""])
def test_paths_that_leave_the_folder_or_are_no_addresses_are_refused(
    tmp_path: Path, path: str
) -> None:
    with pytest.raises(ValueError, match="no path of the site"):
        SiteFolder(tmp_path).write(path, b"")


@pytest.mark.parametrize("text", ["{", '["../../etc/passwd"]', "7", '[["a"]]'])
def test_a_damaged_list_removes_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.html": "a"})
    (tmp_path / LIST).write_text(text)
    with pytest.raises(UserError, match="remove the folder"):
        write(tmp_path, {"b.html": "b"})
    assert (tmp_path / "a.html").exists()


def test_media_are_copied_once(tmp_path: Path) -> None:
    source = tmp_path / "reel.mp4"
    source.write_bytes(b"0" * 100_000)
    for expected in (1, 0):
        site = SiteFolder(tmp_path / "site")
        site.copy("media/reel.mp4", source)
        assert site.written == expected
        site.close()
    assert (tmp_path / "site/media/reel.mp4").read_bytes() == source.read_bytes()


def test_an_equal_site_writes_nothing_and_a_smaller_one_removes_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_drawing(monkeypatch)
    assert make_site(tmp_path, videos=2_100).written > 10
    assert make_site(tmp_path, videos=2_100).written == 0
    assert (tmp_path / "data/videos-0002.js").exists()
    make_site(tmp_path, videos=30)
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        "pictures-0001.js",
        "videos-0001.js",
    ]


def test_files_of_interrupted_runs_are_removed_by_the_next(tmp_path: Path) -> None:
    write(tmp_path, {"a.html": "a", "videos/old.html": "o"})
    (tmp_path / "videos/own.html").write_text("a person's own")
    for name in ("one", "two"):
        broken = SiteFolder(tmp_path)
        broken.write(f"videos/{name}.html", b"x")
        broken.copy(f"media/{name}.mp4", tmp_path / "a.html")
    with (tmp_path / JOURNAL).open("a") as file:
        file.write("../outside.txt\nvideos/own.html")  # cut short, and no path of the site
    assert write(tmp_path, {"a.html": "a"}) == (0, 5)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"a.html", "videos", "videos/own.html", LIST}
    assert write(tmp_path, {"a.html": "a"}) == (0, 0)


def test_the_first_run_may_be_the_interrupted_one(tmp_path: Path) -> None:
    SiteFolder(tmp_path / "site").write("b.html", b"b")
    assert write(tmp_path / "site", {"a.html": "a"}) == (1, 1)
    assert not (tmp_path / "site/b.html").exists()
