"""Folders that are named after splits: understood, or refused where two things may be meant."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from unmuted.dataset.folder import read_folder
from unmuted.dataset.split_folders import split_of_name
from unmuted.dataset.ucf101 import read_ucf101
from unmuted.dataset.videos import Dataset, check_experiment
from unmuted.errors import UserError

SPLITS = ("train", "val", "test")


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def place(dataset: Dataset) -> dict[str, tuple[str | None, str | None]]:
    return {video.video_id: (video.split, video.label) for video in dataset.videos}


def message(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        read_folder(folder)
    return str(error.value)


@pytest.mark.parametrize(
    "names",
    [
        SPLITS,
        ("Training", "Validation", "Testing"),
        ("TRAIN", "dev", "test"),
        ("train_256", "val_256", "test_256"),
        ("train_set", "valid", "test-videos"),
        ("1_train", "2_val", "3_test"),
        ("kinetics_train", "kinetics_val", "kinetics_test"),
    ],
    ids="-".join,
)
def test_splits_above_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        touch(tmp_path, f"{name}/cats/c{number}.mp4", f"{name}/dogs/more/d{number}.mp4")
    touch(tmp_path, "loose.mp4")
    found = read_folder(tmp_path)
    assert place(found) == {"loose": (None, None)} | {
        f"{label[0]}{number}": (split, label)
        for number, split in enumerate(SPLITS)
        for label in ("cats", "dogs")
    }
    assert found.classes == ["cats", "dogs"]
    (note,) = found.notes
    assert all(name in note for name in names) and "are taken for splits" in note
    check_experiment(found)


def test_splits_inside_classes(tmp_path: Path) -> None:
    for number, split in enumerate(SPLITS):
        touch(tmp_path, f"cats/{split}/c{number}.mp4", f"dogs/{split.upper()}/d{number}.mp4")
    found = place(read_folder(tmp_path))
    assert Counter(found.values()) == Counter(
        (split, label) for split in SPLITS for label in ("cats", "dogs")
    )


def test_a_split_without_folder_stops_experiments_and_nothing_else(tmp_path: Path) -> None:
    found = read_folder(touch(tmp_path, "train/cats/a.mp4", "train/dogs/b.mp4", "test/dogs/c.mp4"))
    assert place(found)["c"] == ("test", "dogs")
    with pytest.raises(UserError, match="the split 'val' is empty; every experiment needs"):
        check_experiment(found)


def test_one_id_in_two_splits_is_refused(tmp_path: Path) -> None:
    text = message(touch(tmp_path, "train/cats/a.mp4", "val/cats/b.mp4", "test/cats/a.mp4"))
    assert "test/cats/a.mp4 and" in text and "train/cats/a.mp4 both have the video id 'a'" in text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("train/a.mp4", "val/b.mp4", "test/c.mp4"), "videos lie directly in test, train, val"),
        (("train/cats/a.mp4", "test/c.mp4"), "videos lie directly in test"),
        (("train/cats/a.mp4", "unlabeled/b.mp4"), "others beside them are not (unlabeled)"),
        (("train/a.mp4", "test/b.mp4", "cats/c.mp4"), "named after splits (test, train)"),
        (("test/a.mp4", "cats/b.mp4", "dogs/c.mp4"), "named after splits (test)"),
        (("train/x/a.mp4", "cats/b.mp4"), "named after splits (train)"),
        (("train/x/a.mp4", "training/x/b.mp4"), "both mean the split train; join them"),
        (("train/x/a.mp4", "dev/x/b.mp4", "val/x/c.mp4"), "dev, val both mean the split val"),
        (("cats/train/a.mp4", "cats/test/b.mp4", "dogs/c.mp4"), "(cats/test, cats/train)"),
        (("all/train/cats/a.mp4", "all/val/cats/b.mp4"), "set videos.folder to the folder that"),
        (("train/cats/a.mp4", "test/Cats/b.mp4"), "labels 'Cats' and 'cats' differ only in case"),
        (("train/two\nlines/a.mp4", "test/x/b.mp4"), "class folder 'two\\nlines'"),
    ],
)
def test_what_may_mean_two_things_is_refused(
    tmp_path: Path, names: tuple[str, ...], expected: str
) -> None:
    text = message(touch(tmp_path, *names))
    assert expected in text and "videos.folder" in text


@pytest.mark.parametrize(
    "names",
    [
        ("train/a.mp4", "car/b.mp4", "plane/c.mp4"),  # a vehicle
        ("test/a.mp4",),  # a first look at some files
        ("cats/test/a.mp4", "dogs/b.mp4"),
    ],
)
def test_one_folder_may_be_named_like_a_split_and_is_pointed_out(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    found = read_folder(touch(tmp_path, *names))
    assert {label for _, label in place(found).values()} == {name.split("/")[0] for name in names}
    assert all(split is None for split, _ in place(found).values())
    (note,) = found.notes
    assert "not for a split" in note


@pytest.mark.parametrize(
    "name", ["trains", "contest", "valley", "bullet-train", "devil", "testify", "validity", "crash"]
)
def test_other_names_are_no_splits(tmp_path: Path, name: str) -> None:
    assert split_of_name(name) is None
    found = read_folder(touch(tmp_path, f"{name}/a.mp4", "crash_test/b.mp4", "cats/c.mp4"))
    assert place(found)["a"] == (None, name) and found.notes == ()


def test_the_folder_may_be_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "train/cats/a.mp4", "val/cats/b.mp4", "test/cats/c.mp4")
    monkeypatch.chdir(tmp_path)
    assert place(read_folder(Path("."))) == place(read_folder(tmp_path))


def test_ucf101_says_that_it_takes_no_folders_for_splits(tmp_path: Path) -> None:
    names = [f"{split}/v_Punch_g0{i}_c01.avi" for i, split in enumerate(("train", "test"))]
    found = read_ucf101(touch(tmp_path, *names))
    assert all(video.split is None for video in found.videos)
    assert "the folders test, train are not taken for splits" in found.notes[0]
