"""Damaged ledgers, journals and artifacts: named, and nothing else is made again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from engine.stage_folder import BLOCK, SUFFIX, Stage, tasks
from unmuted.engine import damage
from unmuted.engine.damage import mark_damaged, read_finished_rows
from unmuted.engine.executor import Result, Task, run_tasks
from unmuted.engine.job_folder import DAMAGE, JOURNAL
from unmuted.engine.job_notes import NOTE, write_note
from unmuted.engine.ledger import DamagedLedger, LedgerEntry, read_journal, read_rows, write_rows
from unmuted.engine.verification import verify
from unmuted.errors import UserError
from unmuted.pipeline.registry import REGISTRY


def test_marked_damage_and_nothing_else_is_made_again(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    whole = stage.path("b").read_bytes()
    stage.path("b").write_bytes(whole.replace(b"r1", b"r7"))  # of the same size
    assert mark_damaged(stage.folder, stage.ledger, SUFFIX) == [stage.path("b")]
    assert not stage.ledger.exists()  # so that Snakemake comes here
    stage.run(*tasks("abc"))
    assert stage.computed == ["b"]
    assert stage.path("b").read_bytes() == whole


def test_a_healthy_ledger_is_left_as_it_is(stage: Stage) -> None:
    stage.run(*tasks("ab"), replace(tasks("c")[0], blocked=BLOCK))
    before = stage.ledger.stat().st_mtime_ns
    assert mark_damaged(stage.folder, stage.ledger, SUFFIX) == []
    assert stage.ledger.stat().st_mtime_ns == before


def test_a_deleted_folder_is_damage_of_all_its_artifacts(stage: Stage) -> None:
    stage.run(*tasks("ab"))
    for path in stage.folder.iterdir():
        path.unlink()
    stage.folder.rmdir()
    assert mark_damaged(stage.folder, stage.ledger, SUFFIX) == [
        stage.folder / JOURNAL,
        stage.path("a"),
        stage.path("b"),
    ]
    stage.run(*tasks("ab"))
    assert stage.computed == ["a", "b"]


def test_a_truncated_tensor_file_is_damage_not_a_crash(tmp_path: Path) -> None:
    folder, ledger = tmp_path / "s", tmp_path / "s.ledger.csv"

    def compute(todo: Sequence[Task]) -> Iterator[Result]:
        import numpy as np

        yield from (Result(task.name, {"x": np.ones(2, np.float32)}) for task in todo)

    run_tasks(folder, ledger, ".safetensors", tasks("a"), compute)
    (folder / "a.safetensors").write_bytes(b"\x01\x02")
    assert mark_damaged(folder, ledger, ".safetensors") == [folder / "a.safetensors"]


def test_verify_names_damage_in_shards_fits_and_their_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stages that have not run, such as the demo's clips among real videos, are no concern."""
    parts = ["mapping/00000-of-00001", "captions/00000-of-00001", "selection"]
    parts.append("scenarios/audio_dim=9/comparison_selection")
    for part in parts:
        Stage((tmp_path / part).parent, Path(part).name).run(*tasks("ab"))
    assert verify(REGISTRY, tmp_path) == 0
    assert capsys.readouterr().out == "4 ledgers checked, 0 damaged files\n"
    (tmp_path / "mapping/00000-of-00001/b.json").unlink()
    (tmp_path / "selection/a.json").write_text("{}")
    (tmp_path / parts[-1] / "a.json").write_text("{}")
    assert verify(REGISTRY, tmp_path) == 3
    *named, summary = capsys.readouterr().out.splitlines()
    assert named == [
        f"damaged: {tmp_path}/mapping/00000-of-00001/b.json",
        f"damaged: {tmp_path}/selection/a.json",
        f"damaged: {tmp_path}/{parts[-1]}/a.json",
    ]
    assert summary.startswith("4 ledgers checked, 3 damaged files; run the workflow again")


def test_damage_to_one_video_forgets_none_that_left(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    stage.run(*tasks("bc"), keep_others=True)
    stage.path("b").write_text("{}")
    assert len(mark_damaged(stage.folder, stage.ledger, ".json")) == 1
    stage.run(*tasks("abc"), keep_others=True)
    assert stage.computed == ["b"]


def test_everything_is_on_the_disk_before_the_ledger_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    stage.run(*tasks("ab"))
    ledger = next(i for i, name in enumerate(synced) if name.endswith(stage.ledger.name))
    for name in ("a.json", "b.json", stage.folder.name):
        assert name in synced[:ledger]
    assert synced[ledger + 1] == stage.ledger.parent.name  # its name as well
    synced.clear()
    stage.run(*tasks("ab"))
    assert "a.json" not in synced  # nothing was made


def test_after_a_power_loss_artifacts_are_checked_that_a_killed_job_had_made(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        stage.run(*tasks("abc"), die_at="c")
    whole = stage.path("a").read_bytes()
    stage.path("a").write_bytes(b"\0" * len(whole))
    monkeypatch.setattr("unmuted.engine.damage.boot", lambda: "a later start of the machine")
    stage.run(*tasks("abc"))
    assert stage.computed == ["a", "c"]
    assert stage.path("a").read_bytes() == whole


@pytest.mark.parametrize("how", ["empty", "zeros", "short", "flipped"])
def test_a_damaged_journal_is_named_and_keeps_what_can_be_checked(
    stage: Stage, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = stage.run(*tasks("abc"), replace(tasks("d")[0], blocked=BLOCK))
    journal = stage.folder / JOURNAL
    data = journal.read_bytes()
    lines = data.splitlines(keepends=True)
    journal.write_bytes(
        {
            "empty": b"",
            "zeros": b"".join(lines[:2]) + b"\0" * 50 + b"\n" + b"".join(lines[3:]),
            "short": b"".join(lines[1:]),
            "flipped": data.replace(b"a,ok,", b"a,o\x07,"),
        }[how]
    )
    after = stage.run(*tasks("abc"), replace(tasks("d")[0], blocked=BLOCK))
    assert {name: row.digest for name, row in after.items()} == {
        name: row.digest for name, row in before.items()
    }
    expected = {"empty": ["a", "b", "c"], "zeros": ["b"], "short": ["a"], "flipped": ["a"]}
    assert stage.computed == expected[how]
    assert f"{journal}: damaged" in caplog.text


@pytest.mark.parametrize("name", [JOURNAL, "a.json", ".unsynced"])
def test_a_folder_in_the_place_of_a_file_is_named(stage: Stage, name: str) -> None:
    (stage.folder / name).mkdir(parents=True)
    with pytest.raises(UserError, match=f"{re.escape(name)}: expected a file, found a folder"):
        stage.run(*tasks("ab"))


@pytest.mark.parametrize("name", [JOURNAL, "a.json"])
@pytest.mark.parametrize("kind", ["pipe", "link", "dangling"])
def test_a_pipe_or_link_in_the_place_of_a_file_is_replaced(
    stage: Stage, tmp_path: Path, name: str, kind: str
) -> None:
    other = tmp_path / "precious"
    other.write_text("kept")
    stage.folder.mkdir(parents=True)
    path = stage.folder / name
    os.mkfifo(path) if kind == "pipe" else path.symlink_to(other if kind == "link" else "nowhere")
    stage.run(*tasks("ab"))
    assert stage.computed == ["a", "b"] and path.is_file() and not path.is_symlink()
    assert other.read_text() == "kept"
    assert mark_damaged(stage.folder, stage.ledger, SUFFIX) == []


def test_a_folder_named_like_an_artifact_of_no_video_is_left_alone(stage: Stage) -> None:
    (stage.folder / "other.json" / "inner").mkdir(parents=True)
    stage.run(*tasks("a"))
    assert (stage.folder / "other.json" / "inner").is_dir()


def test_a_link_in_place_of_a_ledger_and_a_damaged_artifact_are_both_found(
    stage: Stage, tmp_path: Path
) -> None:
    stage.run(*tasks("ab"))
    stage.ledger.rename(tmp_path / "elsewhere")
    stage.ledger.symlink_to(tmp_path / "elsewhere")
    stage.path("b").write_text("damaged")
    assert stage.path("b") in mark_damaged(stage.folder, stage.ledger, SUFFIX)
    stage.run(*tasks("ab"))
    assert stage.computed == ["b"] and not stage.ledger.is_symlink()


def foreign_row(name: str, digest: str = "", size: int = 0) -> LedgerEntry:
    return LedgerEntry(name, "ok" if digest else "silent", "", "theirs", digest, size, 0.0)


def add_row(stage: Stage, row: LedgerEntry) -> None:
    rows, problems = read_journal(stage.folder / JOURNAL)
    assert not problems
    write_rows(stage.folder / JOURNAL, [*rows.values(), row])


def test_a_row_of_a_video_that_left_without_its_artifact_is_dropped_by_the_next_job(
    stage: Stage,
) -> None:
    """It would be taken for a finished result."""
    stage.run(*tasks("ab"), keep_others=True)
    add_row(stage, foreign_row("x", "0" * 32, 20))
    add_row(stage, foreign_row("y"))  # a video that could not be processed has no artifact
    before = stage.ledger.read_bytes()
    stage.run(*tasks("ab"), keep_others=True)
    assert stage.computed == [] and stage.ledger.read_bytes() == before
    assert sorted(read_rows(stage.folder / JOURNAL)) == ["a", "b", "y"]


@pytest.mark.parametrize("content", [None, b"short", b'{"made": "r7"}'])
def test_a_damaged_artifact_of_a_video_that_left_is_named_and_made_when_it_comes_back(
    stage: Stage, content: bytes | None
) -> None:
    stage.run(*tasks("abc"))
    stage.run(*tasks("ab"), keep_others=True)
    before = stage.ledger.read_bytes(), stage.ledger.stat().st_mtime_ns
    stage.path("c").unlink() if content is None else stage.path("c").write_bytes(content)
    assert mark_damaged(stage.folder, stage.ledger, SUFFIX) == [stage.path("c")]
    # Nothing of this run is damaged: no job has anything to do.
    assert (stage.ledger.read_bytes(), stage.ledger.stat().st_mtime_ns) == before
    assert not (stage.folder / DAMAGE).exists()
    assert mark_damaged(stage.folder, stage.ledger, SUFFIX) == []
    stage.run(*tasks("abc"), keep_others=True)
    assert stage.computed == ["c"]
    assert stage.artifact("c").json() == {"made": "r1"}


# --- ledgers that are read while a job writes them ------------------------------------------------


def note_on(stage: Stage) -> None:
    write_note(stage.folder / NOTE, "plan", [stage.ledger])


def test_a_ledger_that_is_replaced_while_it_is_read_is_no_damage(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a job that outlived its Snakemake: between the note and the ledger comes a new one."""
    stage.run(*tasks("ab"))
    note_on(stage)
    read, replaced = damage.read_rows, []

    def replace_first(path: Path, digest: str | None) -> dict[str, LedgerEntry]:
        if not replaced:
            replaced.append(stage.run(*tasks("abc")))
        return read(path, digest)

    monkeypatch.setattr(damage, "read_rows", replace_first)
    assert list(read_finished_rows(stage.ledger, stage.folder)) == ["a", "b", "c"]


def test_no_note_speaks_of_a_ledger_that_a_killed_job_replaced(stage: Stage) -> None:
    stage.run(*tasks("ab"))
    note_on(stage)
    stage.run(*tasks("abc"))  # killed before its note
    assert list(read_finished_rows(stage.ledger, stage.folder)) == ["a", "b", "c"]


def test_a_changed_ledger_is_damage_and_its_job_runs_again(stage: Stage) -> None:
    stage.run(*tasks("ab"))
    note_on(stage)
    write_rows(stage.ledger, [row for name, row in read_rows(stage.ledger).items() if name != "a"])
    with pytest.raises(DamagedLedger, match="not the file that its job wrote"):
        read_finished_rows(stage.ledger, stage.folder)
    assert not (stage.folder / NOTE).exists()
