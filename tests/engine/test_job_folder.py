"""The lock of a job's folder: a job that outlived its Snakemake is waited for."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.stage_folder import Stage, tasks
from unmuted.engine.job_folder import locked


def hold(folder: Path, is_held: object, may_end: object) -> None:
    with locked(folder):
        is_held.set()
        may_end.wait(30)


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[object]:
    """A process that works in `tmp_path`/shard until its event is set."""
    context = multiprocessing.get_context("spawn")
    is_held, may_end = context.Event(), context.Event()
    process = context.Process(target=hold, args=(tmp_path / "shard", is_held, may_end))
    process.start()
    assert is_held.wait(60)
    yield may_end
    may_end.set()
    process.join(60)
    assert process.exitcode == 0


def test_an_orphaned_job_is_waited_for(
    tmp_path: Path, orphan: object, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(tmp_path, "shard")
    with pytest.raises(BlockingIOError), locked(stage.folder, wait=False):
        pass
    orphan.set()
    stage.run(*tasks("a"))
    assert stage.computed == ["a"]


def test_a_lock_on_a_pruned_folder_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited while the folder was removed must not work in a folder that is gone."""
    import fcntl

    folder = tmp_path / "shard"
    flock, pruned = fcntl.flock, []

    def prune_first(file: object, flags: int) -> None:
        flock(file, flags)
        if not pruned:
            pruned.append(folder.rename(tmp_path / "grave"))

    monkeypatch.setattr("unmuted.engine.file_lock.fcntl.flock", prune_first)
    with locked(folder):
        assert folder.is_dir() and (folder / ".lock").exists()
    assert pruned
