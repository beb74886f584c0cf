"""Bringing a folder up to date: finished artifacts stay, stale ones are made, others go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from engine.stage_folder import BLOCK, SUFFIX, Stage, tasks, video
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.executor import Result, Task, by_fit, run_tasks
from unmuted.engine.job_folder import JOURNAL
from unmuted.engine.ledger import read_rows
from unmuted.engine.seeds import name_of_fit


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


def test_the_same_fit_of_several_seeds_is_one_group() -> None:
    found = by_fit(
        [
            *(Task(name_of_fit(seed, fit), "r1") for seed in (0, 1) for fit in "xy"),
            Task("all", "r1"),
        ]
    )
    assert {fit: [task.seed for task in of_fit] for fit, of_fit in found.items()} == {
        "x": [0, 1],
        "y": [0, 1],
        "all": [None],
    }
