"""Bringing a folder up to date: what is finished is kept, what is stale is made, the rest goes."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from unmuted.dataset.videos import Video
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.executor import (
    JOURNAL,
    Artifact,
    Result,
    Task,
    TaskFailed,
    by_fit,
    locked,
    mark_damaged,
    mark_forced,
    run_tasks,
)
from unmuted.engine.ledger import LedgerEntry, read_rows
from unmuted.engine.seeds import name_of_fit
from unmuted.engine.shards import shard_name
from unmuted.engine.verification import verify
from unmuted.errors import UserError
from unmuted.pipeline.registry import REGISTRY

SUFFIX = ".json"


class Stage:
    """A stage in a temporary folder that counts what it computes and can be told to die."""

    def __init__(self, root: Path, shard: str = "00000-of-00001") -> None:
        self.folder, self.ledger = root / shard, root / f"{shard}.ledger.csv"
        self.computed: list[str] = []

    def run(
        self,
        *tasks: Task,
        die_at: str | None = None,
        keep_others: bool = False,
        **contents: object,
    ) -> dict[str, LedgerEntry]:
        """Run `tasks`; contents: of artifacts by name, where it is not the fingerprint."""

        def compute(todo: Sequence[Task]) -> Iterator[Result]:
            for task in todo:
                if task.name == die_at:
                    raise KeyboardInterrupt
                self.computed.append(task.name)
                yield Result(task.name, {"made": contents.get(task.name, task.fingerprint)})

        self.computed.clear()
        return run_tasks(self.folder, self.ledger, SUFFIX, tasks, compute, keep_others=keep_others)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name[0] != ".")

    def path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"

    def artifact(self, name: str) -> Artifact:
        return Artifact(self.path(name), read_rows(self.ledger)[name])


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "stage")


def video(name: str) -> Video:
    return Video(name, Path(f"{name}.mp4"), None, None, name)


def tasks(names: str, fingerprint: str = "r1") -> list[Task]:
    return [Task(name, fingerprint, video=video(name)) for name in names]


BLOCK = LedgerEntry("x", "no_video_stream", "only sound", "theirs", "", 0, 3.0)


def test_a_second_run_computes_nothing(stage: Stage) -> None:
    first = stage.run(*tasks("abc"))
    assert stage.computed == ["a", "b", "c"]
    assert stage.run(*tasks("abc")) == first
    assert stage.computed == []
    assert {name: row.status for name, row in read_rows(stage.ledger).items()} == dict.fromkeys(
        "abc", "ok"
    )


def test_only_a_changed_fingerprint_is_computed_again(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    stage.run(*tasks("ac"), Task("b", "r2", video=video("b")))
    assert stage.computed == ["b"]
    assert stage.artifact("b").json() == {"made": "r2"}
    assert stage.artifact("a").json() == {"made": "r1"}


def test_a_killed_run_continues_where_it_stopped(stage: Stage) -> None:
    with pytest.raises(KeyboardInterrupt):
        stage.run(*tasks("abcd"), die_at="c")
    assert not stage.ledger.exists()  # written last of all
    stage.run(*tasks("abcd"))
    assert stage.computed == ["c", "d"]
    assert list(read_rows(stage.ledger)) == [*"abcd"]


def test_a_killed_rebuild_continues_too(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    with pytest.raises(KeyboardInterrupt):
        stage.run(*tasks("abc", "r2"), die_at="b")
    stage.run(*tasks("abc", "r2"))
    assert stage.computed == ["b", "c"]


def test_a_setting_changed_back_after_a_kill_is_not_taken_for_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of equal size was replaced, the journal's row was not: it may not vouch for it."""
    stage.run(*tasks("ab"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        # Between the artifact and its row.
        context.setattr("unmuted.engine.executor.one_line", killed)
        with pytest.raises(KeyboardInterrupt):
            stage.run(*tasks("ab", "r2"))
    assert "r2" in stage.path("a").read_text(encoding="utf-8")
    stage.run(*tasks("ab"))
    assert stage.computed == ["a"]
    assert stage.artifact("a").json() == {"made": "r1"}


def test_a_folder_that_is_marked_as_forced_is_computed_again_once(stage: Stage) -> None:
    tasks = [Task("a", "1"), Task("b", "1")]
    stage.run(*tasks)
    mark_forced(stage.folder)
    with pytest.raises(KeyboardInterrupt):
        stage.run(*tasks, die_at="b")
    stage.run(*tasks)  # goes on where the kill was
    assert stage.computed == ["b"]
    stage.run(*tasks)
    assert stage.computed == []


def test_failures_of_a_task_are_counted_until_something_comes_of_it(stage: Stage) -> None:
    stage.run(Task("a", "1"), Task("b", "1"))
    seen: list[tuple[str, int, bool]] = []

    def compute(todo: Sequence[Task]) -> Iterator[Result]:
        for task in todo:
            seen.append((task.name, task.failures, task.earlier is not None))
            if task.name == "b" and task.failures < 2:
                raise TaskFailed(task.name, "b failed")
            yield Result(task.name, {"made": task.fingerprint})

    def run(fingerprint: str) -> None:
        tasks = [Task("a", fingerprint), Task("b", fingerprint), Task("c", fingerprint)]
        run_tasks(stage.folder, stage.ledger, SUFFIX, tasks, compute)

    for fingerprint in ("2", "2", "3", "3"):  # another fingerprint is counted anew
        with pytest.raises(TaskFailed, match="b failed"):
            run(fingerprint)
    assert stage.files() == ["a.json", "b.json"]  # nothing of b was recorded or deleted
    run("3")
    assert [count for name, count, _ in seen if name == "b"] == [0, 1, 0, 1, 2]
    assert seen[-1] == ("c", 0, False) and ("b", 2, True) in seen
    seen.clear()
    with pytest.raises(TaskFailed):
        run("4")
    assert ("b", 0, True) in seen


def test_artifacts_of_videos_that_left_are_deleted(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    stage.run(*tasks("b"))
    assert stage.computed == []
    assert stage.files() == ["b.json"]
    assert list(read_rows(stage.ledger)) == ["b"] == list(read_rows(stage.folder / JOURNAL))


def test_artifacts_of_videos_that_may_come_back_are_kept(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    stage.run(*tasks("b"), keep_others=True)
    assert stage.files() == ["a.json", "b.json", "c.json"]
    assert list(read_rows(stage.ledger)) == ["b"]
    stage.run(*tasks("abc"), keep_others=True)
    assert stage.computed == []
    stage.run(*tasks("a"), *tasks("c", "r2"), keep_others=True)  # what changed is made again
    assert stage.computed == ["c"]
    assert sorted(read_rows(stage.folder / JOURNAL)) == ["a", "b", "c"]


def test_damage_to_one_video_forgets_none_that_left(stage: Stage) -> None:
    stage.run(*tasks("abc"))
    stage.run(*tasks("bc"), keep_others=True)
    stage.path("b").write_text("{}")
    assert len(mark_damaged(stage.folder, stage.ledger, ".json")) == 1
    stage.run(*tasks("abc"), keep_others=True)
    assert stage.computed == ["b"]


def test_what_a_user_left_in_the_folder_stays(stage: Stage) -> None:
    stage.run(*tasks("ab"))
    (stage.folder / "notes.txt").write_text("mine")
    (stage.folder / "copies").mkdir()
    stage.run(*tasks("a"))
    assert stage.files() == ["a.json", "copies", "notes.txt"]


def test_an_emptied_shard_has_an_empty_ledger(stage: Stage) -> None:
    stage.run(*tasks("a"))
    assert stage.run() == {} == read_rows(stage.ledger)
    assert stage.files() == []


def test_leftovers_of_killed_writers_are_removed(stage: Stage) -> None:
    stage.folder.mkdir(parents=True)
    (stage.folder / ".tmp-1-a.json").write_text("half")
    stage.ledger.with_name(f".tmp-2-{stage.ledger.name}").write_text("half")
    foreign = stage.ledger.with_name(f".tmp-2-my-{stage.ledger.name}")  # another job writes this
    foreign.write_text("half")
    stage.run(*tasks("a"))
    assert list(stage.ledger.parent.rglob(".tmp-*")) == [foreign]


def test_a_video_without_artifact_is_a_row_and_not_tried_again(stage: Stage) -> None:
    def compute(todo: Sequence[Task]) -> Iterator[Result]:
        stage.computed += [task.name for task in todo]
        yield Result("a", None, "no_stream", "evil\nname,ok\x1b[2J")

    for _ in range(2):
        rows = run_tasks(stage.folder, stage.ledger, SUFFIX, tasks("a"), compute)
    assert stage.computed == ["a"]
    assert rows["a"].status == "no_stream" and not rows["a"].has_artifact
    assert read_rows(stage.ledger)["a"].reason == "evil name,ok [2J"
    assert stage.files() == []


def test_an_artifact_goes_when_its_video_can_no_longer_be_processed(stage: Stage) -> None:
    stage.run(*tasks("ab"))
    blocked = replace(tasks("a", "r2")[0], blocked=BLOCK)
    stage.run(blocked, *tasks("b"))
    assert stage.computed == []
    assert stage.files() == ["b.json"]
    row = read_rows(stage.ledger)["a"]
    assert (row.status, row.reason, row.fingerprint) == ("no_video_stream", "only sound", "r2")
    assert (row.digest, row.bytes, row.seconds) == ("", 0, 0.0)
    stage.run(*tasks("a", "r3"), *tasks("b"))
    assert stage.computed == ["a"]


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_missing_or_cut_artifact_is_made_again(stage: Stage, content: bytes | None) -> None:
    before = stage.run(*tasks("ab"))
    stage.path("a").unlink() if content is None else stage.path("a").write_bytes(content)
    after = stage.run(*tasks("ab"))
    assert stage.computed == ["a"]
    assert after["a"].digest == before["a"].digest


def test_a_row_carries_size_digest_and_fingerprint(stage: Stage) -> None:
    row = stage.run(*tasks("a"))["a"]
    assert row.bytes == stage.path("a").stat().st_size
    assert row.fingerprint == "r1" and len(row.digest) == 32 and row.seconds >= 0


def test_a_result_that_is_missing_or_unasked_for_is_an_error(stage: Stage) -> None:
    def one_too_few(todo: Sequence[Task]) -> Iterator[Result]:
        yield Result("a", {})

    with pytest.raises(RuntimeError, match="no result for b, c"):
        run_tasks(stage.folder, stage.ledger, SUFFIX, tasks("abc"), one_too_few)
    assert not stage.ledger.exists()


def test_reading_an_artifact_checks_it(stage: Stage) -> None:
    stage.run(*tasks("a"))
    artifact = stage.artifact("a")
    assert artifact.json() == {"made": "r1"}
    assert artifact.checked_path() == stage.path("a")
    stage.path("a").write_text(stage.path("a").read_text().replace("r1", "r7"))
    with pytest.raises(DamagedArtifact, match=re.escape(str(stage.path("a")))):
        artifact.json()


# --- verify --------------------------------------------------------------------------------------


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


# --- adoption from another layout ----------------------------------------------------------------


def test_a_new_layout_takes_over_what_is_finished(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "00000-of-00001"), Stage(tmp_path, "00001-of-00002")
    blocked = replace(tasks("d")[0], blocked=BLOCK)
    rows = old.run(*tasks("abc"), blocked, a=1)
    found = new.run(*tasks("ac"), blocked)
    assert new.computed == []
    assert found == {name: rows[name] for name in "acd"}
    assert new.artifact("a").json() == {"made": 1}
    assert new.files() == ["a.json", "c.json"]
    assert old.files() == ["a.json", "b.json", "c.json"]  # theirs stay until all are taken over


def test_a_layout_of_one_video_a_shard_is_adopted_too(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "a"), Stage(tmp_path, "00000-of-00001")
    old.run(*tasks("a"))
    new.run(*tasks("ab"))
    assert new.computed == ["b"]
    back = Stage(tmp_path, "b")
    back.run(*tasks("b"))
    assert back.computed == []


def test_only_the_very_same_fingerprint_is_adopted(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "00000-of-00001"), Stage(tmp_path, "00001-of-00002")
    old.run(*tasks("ab"))
    new.run(*tasks("a", "r2"), *tasks("b"))
    assert new.computed == ["a"]


@pytest.mark.parametrize("content", [None, b'{"made": "r7"}', b"", b"\xff"])
def test_a_damaged_artifact_is_not_adopted(tmp_path: Path, content: bytes | None) -> None:
    old, new = Stage(tmp_path, "00000-of-00001"), Stage(tmp_path, "00001-of-00002")
    old.run(*tasks("a"))
    old.path("a").unlink() if content is None else old.path("a").write_bytes(content)
    new.run(*tasks("a"))
    assert new.computed == ["a"]
    assert new.artifact("a").json() == {"made": "r1"}


def test_a_layout_that_comes_back_adopts_what_changed_meanwhile(tmp_path: Path) -> None:
    one, two = Stage(tmp_path, shard_name("a", 1)), Stage(tmp_path, shard_name("a", 2))
    one.run(*tasks("a"))
    two.run(*tasks("a", "r2"))
    one.run(*tasks("a", "r2"))
    assert one.computed == []
    assert one.artifact("a").json() == {"made": "r2"}


# --- adoption from another partition of seeds -----------------------------------------------------


def fits(*seeds: int, fingerprint: str = "r1") -> list[Task]:
    """Two fits of each seed."""
    return [Task(name_of_fit(seed, fit), f"{fingerprint}x{seed}") for seed in seeds for fit in "xy"]


def test_another_partition_of_seeds_takes_over_what_is_finished(tmp_path: Path) -> None:
    together, alone = Stage(tmp_path, "seeds-0-1-2"), Stage(tmp_path, "seed-1")
    rows = together.run(*fits(0, 1, 2))
    assert alone.run(*fits(1)) == {name: rows[name] for name in ("seed-1.x", "seed-1.y")}
    assert alone.computed == []
    assert alone.artifact("seed-1.x").json() == {"made": "r1x1"}
    assert len(together.files()) == 6  # theirs stay until all are taken over


def test_a_partition_takes_over_from_several_and_fits_only_what_none_has(tmp_path: Path) -> None:
    for part, seeds in (("seed-0", [0]), ("seeds-1-2", [1, 2])):
        Stage(tmp_path, part).run(*fits(*seeds))
    together = Stage(tmp_path, "seeds-0-1-2-3")
    together.run(*fits(0, 1, 2, 3))
    assert together.computed == ["seed-3.x", "seed-3.y"]


def test_only_the_very_same_fingerprint_of_a_fit_is_adopted_and_no_damage(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "seeds-0-1"), Stage(tmp_path, "seed-0")
    old.run(*fits(0, 1))
    old.path("seed-0.y").write_text("{}")
    new.run(Task("seed-0.x", "r2 0"), Task("seed-0.y", "r1 0"))
    assert new.computed == ["seed-0.x", "seed-0.y"]


def test_a_fit_without_a_seed_is_sought_nowhere_else(tmp_path: Path) -> None:
    old, new = Stage(tmp_path, "selection"), Stage(tmp_path, "other_selection")
    old.run(Task("all", "r1"))
    new.run(Task("all", "r1"))
    assert new.computed == ["all"]


def test_the_same_fit_of_several_seeds_is_one_group() -> None:
    found = by_fit([*fits(0, 1), Task("all", "r1")])
    assert {fit: [task.seed for task in of_fit] for fit, of_fit in found.items()} == {
        "x": [0, 1],
        "y": [0, 1],
        "all": [None],
    }


# --- the folder's lock ---------------------------------------------------------------------------


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


# --- what a power loss, or a person, leaves -------------------------------------------------------


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
    monkeypatch.setattr("unmuted.engine.executor.boot", lambda: "a later start of the machine")
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


def test_a_forced_folder_of_a_scenario_copies_nothing(stage: Stage, tmp_path: Path) -> None:
    base, made = Stage(tmp_path / "base"), []
    base.run(*tasks("ab"))

    def compute(todo: Sequence[Task]) -> Iterator[Result]:
        for task in todo:
            made.append(task.name)
            yield Result(task.name, {"made": task.fingerprint})

    mark_forced(stage.folder)
    run_tasks(stage.folder, stage.ledger, SUFFIX, tasks("ab"), compute, base=base.folder)
    assert made == ["a", "b"]


def test_a_forced_folder_keeps_the_results_of_videos_that_left(stage: Stage) -> None:
    stage.run(*tasks("abc"), keep_others=True)
    mark_forced(stage.folder)
    stage.run(*tasks("ab"), keep_others=True)
    assert stage.computed == ["a", "b"] and stage.path("c").exists()
    stage.run(*tasks("abc"), keep_others=True)
    assert stage.computed == []


@pytest.mark.parametrize("content", ["[]", '{"a": 3}', '{"a": [1]}', "{", "folder"])
def test_damaged_counts_of_failures_count_nothing(stage: Stage, content: str) -> None:
    path = stage.folder / ".failures.json"
    stage.folder.mkdir(parents=True)
    path.mkdir() if content == "folder" else path.write_text(content)
    seen = []

    def compute(todo: Sequence[Task]) -> Iterator[Result]:
        for task in todo:
            seen.append(task.failures)
            yield Result(task.name, {})
        if content == "folder":
            path.rmdir()

    run_tasks(stage.folder, stage.ledger, SUFFIX, tasks("a"), compute)
    assert seen == [0]


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
