"""Videos that left since the last run are counted and named, with the classes that are gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from unmuted.dataset.videos import Video
from unmuted.engine.members import about_absent, read_members, write_members


def videos(labels: Mapping[str, str | None]) -> dict[str, Video]:
    return {name: Video(name, None, label, None, name) for name, label in labels.items()}


LABELS = {"a": "cats", "b": "cats", "c": "birds", "d": "birds", "e": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_members(tmp_path / ".members.json", videos(LABELS).values())
    return tmp_path / ".members.json"


def test_a_class_that_is_gone_is_named(path: Path) -> None:
    text = about_absent(read_members(path), videos({"a": "cats", "e": None}))
    assert text.startswith("3 of 5 videos left since the last run (such as b); no video is left of")
    assert "class 'birds' (2): if a disk is not mounted, mount it first" in text
    assert "until `snakemake --cores 1 prune` removes them" in text and "'cats'" not in text


def test_classes_that_still_have_videos_are_not_named(path: Path) -> None:
    text = about_absent(read_members(path), videos({**LABELS, "f": "dogs"} | {"b": "cats"}))
    assert text == ""
    text = about_absent(read_members(path), videos({"a": "cats", "d": "birds"}))
    assert text.startswith("3 of 5 videos left") and "class" not in text


def test_many_classes_that_are_gone_are_counted(path: Path) -> None:
    write_members(path, videos({f"v{i}": f"class {i:02d}" for i in range(30)}).values())
    text = about_absent(read_members(path), videos({"x": "other"}))
    assert "'class 04' (1) and 25 more: if" in text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"a": 1}', b"\xff", None])
def test_without_a_record_nothing_is_known(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert read_members(path) == {} and about_absent({}, videos(LABELS)) == ""


def test_an_equal_record_is_not_written_again(path: Path) -> None:
    before = path.stat().st_ino
    write_members(path, videos(LABELS).values())
    assert path.stat().st_ino == before
    write_members(path, videos({"a": "cats"}).values())
    assert read_members(path) == {"a": "cats"}


def test_a_damaged_record_is_written_again(path: Path) -> None:
    before = path.read_bytes()
    path.write_bytes(b"\xff" + before[1:])
    assert read_members(path) == {}
    write_members(path, videos(LABELS).values())
    assert path.read_bytes() == before
