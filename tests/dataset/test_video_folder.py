"""A folder of class folders: awkward names, links, and what is no video."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from unmuted.dataset.folder import _split_name, read_folder
from unmuted.dataset.videos import Dataset, is_video_id, write_table
from unmuted.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cats/a.mp4", "dogs/b.webm", "dogs/inner/c.MOV"):
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).touch()
    return tmp_path / "v"


def labels(dataset: Dataset) -> dict[str, str | None]:
    return {video.video_id: video.label for video in dataset.videos}


def test_class_folders_are_labels_at_any_depth(folder: Path) -> None:
    (folder / "loose.mkv").touch()
    found = read_folder(folder)
    assert labels(found) == {"a": "cats", "b": "dogs", "c": "dogs", "loose": None}
    assert all(video.root == folder and video.split is None for video in found.videos)
    assert [video.group for video in found.videos] == ["a", "b", "c", "loose"]


def test_other_files_are_named_and_hidden_ones_are_not(folder: Path) -> None:
    for name in ("dogs/notes.txt", ".DS_Store", "dogs/._b.mp4", "bad\nname.json"):
        (folder / name).touch()
    (folder / ".git").mkdir()
    (folder / ".git" / "x.mp4").touch()
    found = read_folder(folder)
    assert sorted(found.ignored) == ["bad\\nname.json", "dogs/notes.txt"]
    assert set(labels(found)) == {"a", "b", "c"}


def test_every_awkward_name_is_one_video(tmp_path: Path, shared: Path) -> None:
    with tarfile.open(shared / "bad_media" / "names.tar") as archive:
        archive.extractall(tmp_path / "v", filter="data")
    found = read_folder(tmp_path / "v")
    on_disk = {os.fsencode(path) for path in (tmp_path / "v" / "names").iterdir()}
    assert len(on_disk) == 14
    assert {os.fsencode(video.path) for video in found.videos} == on_disk
    assert all(is_video_id(video.video_id) for video in found.videos)
    assert {"-starts-with-dash", "UPPER"} <= set(labels(found))
    write_table(tmp_path / "videos.csv", found)
    assert len((tmp_path / "videos.csv").read_bytes().splitlines()) == 15


def test_what_is_no_file_is_listed_and_never_opened(folder: Path) -> None:
    """A pipe would block whoever opens it; a folder called clip.mp4 becomes a finding as well."""
    os.mkfifo(folder / "dogs" / "pipe.mp4")
    (folder / "dogs" / "clip.mp4").mkdir()
    (folder / "dogs" / "clip.mp4" / "inside.mp4").touch()
    (folder / "dogs" / "nowhere.mp4").symlink_to(folder / "absent")
    (folder / "dogs" / "loop.mp4").symlink_to("loop.mp4")
    found = labels(read_folder(folder))
    assert set(found) == {"a", "b", "c", "pipe", "clip", "nowhere", "loop"}
    assert found["pipe"] == found["clip"] == "dogs"


def test_a_class_folder_with_a_videos_name_is_a_class(folder: Path) -> None:
    (folder / "old.mp4").mkdir()
    (folder / "old.mp4" / "d.mp4").touch()
    assert labels(read_folder(folder))["d"] == "old.mp4"


@pytest.mark.parametrize("follow", [False, True])
def test_linked_folders_are_named_or_followed_once(
    folder: Path, tmp_path: Path, follow: bool
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.mp4").touch()
    (folder / "birds").symlink_to(tmp_path / "elsewhere")
    (folder / "dogs" / "up").symlink_to(folder)  # a loop
    found = read_folder(folder, follow_links=follow)
    if follow:
        assert labels(found) == {"a": "cats", "b": "dogs", "c": "dogs", "d": "birds"}
    else:
        assert set(labels(found)) == {"a", "b", "c"}
        assert "birds (a link; videos.follow_links is off)" in found.ignored


def test_files_that_are_all_links_elsewhere_name_the_setting(tmp_path: Path) -> None:
    """As DVC, git-annex and caches of data sets lay them out; two are links to nothing."""
    (tmp_path / "store").mkdir()
    for name in ("cats/a.mp4", "cats/b.mp4", "dogs/c.mp4"):
        path = tmp_path / "v" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(tmp_path / "store" / path.name)
    (tmp_path / "store" / "a.mp4").touch()
    text = message(tmp_path / "v")
    assert "its 3 video files are links to files in other places" in text
    assert "set videos.follow_links" in text
    assert len(read_folder(tmp_path / "v", follow_links=True).videos) == 3
    (tmp_path / "v" / "dogs" / "d.mp4").touch()
    assert len(read_folder(tmp_path / "v").videos) == 4  # the ledger has the other three
    (tmp_path / "v" / "dogs" / "d.mp4").unlink()
    (tmp_path / "linked").symlink_to(tmp_path / "v")
    (tmp_path / "v" / "cats" / "inner.mp4").symlink_to("e.mp4")
    (tmp_path / "v" / "cats" / "e.mp4").touch()
    assert len(read_folder(tmp_path / "linked").videos) == 5  # the folder itself may be a link


def test_classes_that_are_links_are_pointed_out(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "d.mp4").touch()
    (folder / "birds").symlink_to(tmp_path / "elsewhere")
    (note,) = read_folder(folder).notes
    assert (
        "folders that are links are left out, 1 in all (such as birds); set videos.follow" in note
    )
    assert read_folder(folder, follow_links=True).notes == ()


def test_the_same_folder_gives_the_same_data_set_in_any_order_of_listing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_folder(folder)
    scandir = os.scandir

    class Reversed:
        def __init__(self, path: str) -> None:
            with scandir(path) as entries:
                self.entries = iter(sorted(entries, key=lambda e: e.name, reverse=True))

        def __enter__(self):
            return self.entries

        def __exit__(self, *_: object) -> None: ...

        def __iter__(self):
            return self.entries

        def __next__(self):
            return next(self.entries)

        def close(self) -> None: ...

    monkeypatch.setattr(os, "scandir", Reversed)
    assert read_folder(folder) == before


# --- refused in words ----------------------------------------------------------------------------


def message(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        read_folder(folder)
    return str(error.value)


def test_a_missing_folder(tmp_path: Path) -> None:
    assert f"{tmp_path}/absent is not a folder" in message(tmp_path / "absent")


def test_a_folder_without_videos_names_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "readme.txt").touch()
    text = message(tmp_path / "v")
    assert f"no video file in {tmp_path}/v; expected FOLDER/<class>/<video>" in text
    assert "not taken for a video: readme.txt" in text


def test_two_files_of_one_name_in_different_folders(folder: Path) -> None:
    (folder / "cats" / "B.mp4").touch()
    text = message(folder)
    assert "cats/B.mp4 and" in text and "dogs/b.webm both have the video id 'b'" in text


@pytest.mark.parametrize("name", ["two\nlines", b"not_utf8_\xff", "x" * 201])
def test_a_class_folder_unfit_as_a_label(folder: Path, name: str | bytes) -> None:
    bad = folder / os.fsdecode(name)
    bad.mkdir()
    (bad / "d.mp4").touch()
    text = message(folder)
    assert "class folder '" in text and "not one printable line" in text
    text.encode("utf-8")


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its videos would be missing without a word."""
    scandir = os.scandir

    def refuse(path: str):
        if str(path).endswith("dogs"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may list everything
    assert f"cannot list {folder}/dogs: Permission denied" in message(folder)


@pytest.mark.parametrize("name", ["a.mp4", "..mp4", "a.b.MP4", "a.", "a", "a..mp4", ".hidden.mp4"])
def test_names_are_split_as_pathlib_does(name: str) -> None:
    assert _split_name(name) == (Path(name).stem, Path(name).suffix)


def test_the_working_directory_may_be_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {video.video_id: video.label for video in read_folder(folder).videos}
    monkeypatch.chdir(folder)
    here = read_folder(Path("."))
    assert {video.video_id: video.label for video in here.videos} == whole
    assert all(not str(video.path).startswith(".") for video in here.videos)


# --- folders that are passed over -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"),
        *("__MACOSX", ".Trashes", ".Spotlight-V100", ".fseventsd", ".@__thumb", ".AppleDouble"),
        *(".ipynb_checkpoints", ".stversions", "@Recycle", "LOST.DIR", "node_modules"),
    ],
)
def test_folders_of_systems_hold_no_videos_and_are_no_classes(folder: Path, name: str) -> None:
    """Also where they hold previews under the names of the videos."""
    whole = read_folder(folder)
    for parent in (folder, folder / "cats"):
        (parent / name / "a.mp4").mkdir(parents=True)
        (parent / name / "a.mp4" / "preview.mp4").write_bytes(b"x")
        (parent / name / "a.mp4.mp4").write_bytes(b"x")
    (folder / "cats" / "._a.mp4").touch()
    assert read_folder(folder).videos == whole.videos


@pytest.mark.parametrize("inside", [".", "work/dir", "cats"])
def test_results_of_the_working_directory_are_no_videos(
    folder: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    whole = read_folder(folder)
    work = folder / inside
    for part in ("results/animations/0", ".snakemake/x"):
        (work / part).mkdir(parents=True)
        (work / part / "a.gif").touch()
    monkeypatch.chdir(work)
    found = read_folder(folder)
    assert found.videos == whole.videos
    shown = Path(os.path.normpath(os.path.join(inside, "results")))
    assert f"{shown} (results of this workflow)" in found.ignored


def test_results_of_other_runs_and_python_environments_are_no_videos(folder: Path) -> None:
    whole = read_folder(folder)
    for place, mark in (("earlier/results", ".source.json"), ("venv", "pyvenv.cfg")):
        (folder / place / "lib").mkdir(parents=True)
        (folder / place / mark).touch()
        (folder / place / "lib" / "a.gif").touch()
    assert read_folder(folder).videos == whole.videos


def test_a_class_may_be_called_results(folder: Path) -> None:
    (folder / "results").mkdir()
    (folder / "results" / "won.mp4").touch()
    assert "results" in read_folder(folder).classes


def test_a_folder_that_looks_like_one_of_a_system_but_has_videos_is_named(tmp_path: Path) -> None:
    for label in ("glass", "paper", "Recycler"):
        (tmp_path / label).mkdir()
        (tmp_path / label / f"{label}.mp4").touch()
    (tmp_path / "lost+found").mkdir()
    found = read_folder(tmp_path)
    assert found.classes == ["glass", "paper"]
    (note,) = found.notes
    assert "the folder Recycler is left out as a folder of the system" in note
    assert "give it another name" in note
