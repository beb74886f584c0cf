"""Ids, stamps, tables, and what an experiment needs of labels and splits."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from unmuted.dataset.videos import (
    SPLITS,
    Dataset,
    Video,
    check_experiment,
    checked_dataset,
    is_video_id,
    video_id_from_name,
    write_table,
)
from unmuted.errors import UserError
from unmuted.text import printable

names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
)


def video(name: str, label: str | None, split: str | None = None, group: str | None = None):
    return Video(name, Path(f"{name}.mp4"), label, split, group or name)


# --- ids and names -------------------------------------------------------------------------------


@given(names)
def test_every_name_gives_a_safe_id(stem: str) -> None:
    video_id = video_id_from_name(stem)
    assert is_video_id(video_id)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,120}", video_id)
    assert video_id[0] != "." and ".." not in video_id
    assert video_id_from_name(video_id) == video_id


@given(names, names)
def test_different_names_have_different_ids(one: str, other: str) -> None:
    assume(one != other)
    assert video_id_from_name(one) != video_id_from_name(other)


def test_bytes_that_are_not_utf8_and_unequal_normal_forms_are_told_apart() -> None:
    stems = [os.fsdecode(b"a\xff"), os.fsdecode(b"a\xfe"), "\u00e9", "e\u0301", "a" * 200]
    ids = [video_id_from_name(stem) for stem in stems]
    assert len(set(ids)) == len(ids)
    assert all(is_video_id(video_id) for video_id in ids)


@pytest.mark.parametrize(
    "text",
    ["../x", "a/b", "..", ".", ".hidden", "a..b", "", "a b", "x\n", "é", "a" * 121, "x.ledger.csv"],
)
def test_ids_that_could_mean_another_file_are_none(text: str) -> None:
    assert not is_video_id(text)


@given(st.binary(min_size=1, max_size=30).filter(lambda data: b"\0" not in data))
def test_any_path_prints_as_one_line(data: bytes) -> None:
    text = printable(os.fsdecode(data))
    assert text.isprintable()
    text.encode("utf-8")


# --- stamps --------------------------------------------------------------------------------------


def test_a_stamp_sees_size_time_and_disappearance(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"12")
    os.utime(path, ns=(10, 20))
    one = Video("a", path, None, None, "a")
    stamps = [one.stamp(), one.stamp()]
    assert stamps[0] == stamps[1]
    os.utime(path, ns=(10, 19))  # an older file counts as changed too
    stamps.append(one.stamp())
    path.write_bytes(b"123")
    os.utime(path, ns=(10, 19))
    stamps.append(one.stamp())
    path.unlink()
    stamps.append(one.stamp())
    assert len({tuple(stamp) for stamp in stamps}) == 4


def test_a_stamp_sees_that_a_file_became_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    one = Video("a", path, None, None, "a")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    before = one.stamp()
    monkeypatch.undo()
    assert one.stamp() != before


# --- the data set --------------------------------------------------------------------------------


def test_two_videos_of_one_id_are_refused_with_both_paths() -> None:
    twins = [
        Video("clip", Path("cats/clip.mp4"), "cats", None, "clip"),
        Video("Clip", Path("dogs/Clip.mp4"), "dogs", None, "Clip"),
    ]
    with pytest.raises(UserError) as error:
        checked_dataset(twins, "videos.folder v")
    assert str(error.value) == (
        "videos.folder v: 1 problem(s):\n  - cats/clip.mp4 and dogs/Clip.mp4 both have the video "
        "id 'Clip'; rename one, or give ids in a manifest's video_id column"
    )


def test_videos_are_sorted_and_classes_named_once() -> None:
    dataset = checked_dataset([video("b", "y"), video("a", "x"), video("c", None)], "here")
    assert [one.video_id for one in dataset.videos] == ["a", "b", "c"]
    assert dataset.classes == ["x", "y"]


def test_a_table_keeps_further_columns_and_hostile_names(tmp_path: Path) -> None:
    videos = (
        Video("a", Path("x,\n.mp4"), 'a "b"', "train", "g", extra={"note": "two\nlines, é"}),
        Video("b", Path(os.fsdecode(b"\xff.mp4")), None, None, "b", extra={"note": "\udcff"}),
    )
    write_table(tmp_path / "videos.csv", Dataset(videos))
    with open(tmp_path / "videos.csv", newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "video_id": "a",
        "label": 'a "b"',
        "split": "train",
        "group": "g",
        "path": "x,\\n.mp4",
        "note": "two\nlines, é",
    }
    assert second["path"] == "\\xff.mp4" and second["note"] == "\\udcff" and second["label"] == ""


# --- what an experiment needs --------------------------------------------------------------------


def problem(*videos: Video) -> str:
    with pytest.raises(UserError) as error:
        check_experiment(Dataset(videos))
    return str(error.value)


def test_one_class_only() -> None:
    assert problem(video("a", "x"), video("b", None)).startswith(
        "expected at least two classes among the labelled videos, found only 'x'; labels are"
    )
    assert "found none; labels are" in problem(video("b", None))


def test_an_empty_split() -> None:
    text = problem(video("a", "x", "train"), video("b", "y", "train"), video("c", "y", "val"))
    assert text.startswith("labels and splits: 1 problem(s):\n")
    assert "the split 'test' is empty; every experiment needs train, val and test" in text


def test_splits_for_some_videos_only() -> None:
    text = problem(
        *(video(f"{split}{label}", label, split) for label in "xy" for split in SPLITS),
        video("none", "x"),
    )
    assert "1 labelled videos have no split (first: none); give all of them one, or none" in text


def test_a_group_that_straddles_splits() -> None:
    text = problem(
        video("a", "x", "train", "film"),
        video("b", "y", "train"),
        video("c", "x", "val"),
        video("d", "x", "test", "film"),
    )
    assert "group 'film' straddles the splits test, train; one source belongs in one split" in text


def test_good_splits_and_no_splits_pass() -> None:
    given = [video(f"{split}{label}", label, split) for label in "xy" for split in SPLITS]
    check_experiment(Dataset((*given, video("unlabelled", None))))
    check_experiment(Dataset((video("a", "x"), video("b", "y"))))


def test_long_lists_of_problems_are_cut() -> None:
    videos = [Video("same", Path(f"{i}.mp4"), None, None, "g") for i in range(31)]
    with pytest.raises(UserError) as error:
        checked_dataset(videos, "here")
    lines = str(error.value).splitlines()
    assert lines[0] == "here: 30 problem(s):" and len(lines) == 22
    assert lines[-1] == "  ... and 10 more"
