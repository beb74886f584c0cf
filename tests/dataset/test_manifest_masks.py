"""Columns of masks and boxes in a manifest: what they name, and when a change of files is seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unmuted.dataset.manifest import read_manifest
from unmuted.dataset.masks import MASKS, check_masks, mask_folder
from unmuted.dataset.videos import Dataset, check_experiment
from unmuted.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.mp4").touch()
        (tmp_path / "masks" / name).mkdir(parents=True)
        (tmp_path / "masks" / name / "0.png").write_bytes(b"0")
    (tmp_path / "boxes").mkdir()
    return tmp_path


def read(folder: Path, content: str, **columns: str) -> Dataset:
    (folder / "m.csv").write_text(content)
    return read_manifest(folder / "m.csv", None, columns)


def test_masks_are_targets_and_need_no_label(folder: Path) -> None:
    dataset = read(folder, "path,masks,boxes\na.mp4,masks/a,boxes\nb.mp4,masks/b,\nc.mp4,,\n")
    a, b, c = dataset.videos
    assert (a.label, b.label, c.label) == (MASKS, MASKS, None) and c.targets is None
    assert set(a.targets) == {"masks", "boxes"} and set(b.targets) == {"masks"}
    assert a.targets["masks"]["folder"] == "masks/a"
    assert mask_folder(a.targets["masks"], a.root) == folder / "masks" / "a"
    assert dataset.has_targets and "masks" not in a.extra
    check_experiment(dataset)


def test_classes_stay_what_is_to_be_told_apart(folder: Path) -> None:
    table = "path,label,mask folder\na.mp4,dog,masks/a\nb.mp4,cat,masks/b\nc.mp4,cat,\n"
    dataset = read(folder, table, masks="mask folder")
    assert not dataset.has_targets and dataset.classes == ["cat", "dog"]
    assert [video.targets is not None for video in dataset.videos] == [True, True, False]
    of_one_class = read(folder, "path,label,masks\na.mp4,dog,masks/a\nb.mp4,dog,masks/b\n")
    assert of_one_class.has_targets and of_one_class.classes == ["dog"]


@pytest.mark.parametrize("change", ["new file", "same size", "gone"])
def test_a_changed_file_is_another_target(change: str, folder: Path) -> None:
    table = "path,masks\na.mp4,masks/a\nb.mp4,masks/b\n"
    before = [video.targets for video in read(folder, table).videos]
    mask = folder / "masks" / "a" / "0.png"
    if change == "new file":
        (mask.parent / "1.png").write_bytes(b"1")
    elif change == "gone":
        mask.unlink()
    else:
        mask.write_bytes(b"1")
        os.utime(mask, ns=(1, 1))
    (folder / "masks" / "b" / "notes.pkl").write_bytes(b"")  # is no mask
    after = [video.targets for video in read(folder, table).videos]
    assert after[0] != before[0] and after[1] == before[1]


def test_what_is_no_folder_is_listed(folder: Path) -> None:
    table = "path,masks\na.mp4,masks/d\nb.mp4,masks/b/0.png\nc.mp4,masks/c\n"
    with pytest.raises(UserError, match="2 problem") as error:
        read(folder, table)
    assert "line 2: no file" in str(error.value)
    assert "expected a folder of files <second>.png (Not a directory)" in str(error.value)


def test_every_split_needs_masks(folder: Path) -> None:
    table = "path,label,masks\na.mp4,dog,masks/a\nb.mp4,dog,masks/b\nc.mp4,dog,\n"
    dataset = read(folder, table)
    splits = {"a": "train", "b": "val", "c": "test"}
    with pytest.raises(UserError, match="the split 'test' has no video with masks"):
        check_masks(dataset, splits)
    check_masks(read(folder, table.replace("dog,\n", "dog,masks/c\n")), splits)
