"""Digests of large source files are remembered while the files stay as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from unmuted.digests import digest_file
from unmuted.media import source_digests
from unmuted.media.source_digests import SourceDigests


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that were read; files of any size are worth remembering."""
    names: list[str] = []

    def digest(path: Path) -> str:
        names.append(path.name)
        return digest_file(path)

    monkeypatch.setattr(source_digests, "WORTH_REMEMBERING", 0)
    monkeypatch.setattr(source_digests, "digest_file", digest)
    return names


def digest_of(memory: Path, path: Path) -> str:
    """What one job would be told."""
    with SourceDigests(memory) as digests:
        return digests.digest(path)


def test_a_file_that_stays_as_it_is_is_read_once(tmp_path: Path, reads: list[str]) -> None:
    path, memory = tmp_path / "secret name.mp4", tmp_path / "results" / "memory.json"
    path.write_bytes(b"one")
    found = [digest_of(memory, path) for _ in range(3)]
    assert found == [digest_file(path)] * 3 and reads == [path.name]
    assert "secret" not in memory.read_text()  # results may be given to others


@pytest.mark.parametrize("change", ["content", "time", "replaced"])
def test_a_file_that_changed_is_read_again(tmp_path: Path, reads: list[str], change: str) -> None:
    path, memory = tmp_path / "a.mp4", tmp_path / "memory.json"
    path.write_bytes(b"one")
    before = os.stat(path)
    digest_of(memory, path)
    if change == "replaced":  # by a file of the same size and time, as `mv` leaves it
        other = tmp_path / "b.mp4"
        other.write_bytes(b"two")
        os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
        other.replace(path)
    else:
        path.write_bytes(b"three" if change == "content" else b"two")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1000 * (change == "time")))
    assert digest_of(memory, path) == digest_file(path)
    assert len(reads) == 2


@pytest.mark.parametrize("damage", ["", "[]", "{", '{"a": 1}', '{"a": [1, 2, 3, 4]}', "\0"])
def test_a_damaged_memory_costs_one_reading(tmp_path: Path, reads: list[str], damage: str) -> None:
    path, memory = tmp_path / "a.mp4", tmp_path / "memory.json"
    path.write_bytes(b"one")
    memory.write_text(damage)
    assert [digest_of(memory, path) for _ in range(2)] == [digest_file(path)] * 2
    assert len(reads) == 1
    assert len(json.loads(memory.read_text())) == 1


def test_small_files_are_not_remembered(tmp_path: Path) -> None:
    path, memory = tmp_path / "a.mp4", tmp_path / "memory.json"
    path.write_bytes(b"one")
    assert digest_of(memory, path) == digest_file(path)
    assert not memory.exists()


def test_a_file_that_is_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), SourceDigests(tmp_path / "memory.json") as digests:
        digests.digest(tmp_path / "a.mp4")
