"""Jobs that are forced, and tasks that failed earlier jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.stage_folder import SUFFIX, Stage, tasks
from unmuted.engine.executor import Result, Task, TaskFailed, TasksFailed, one_by_one, run_tasks
from unmuted.engine.job_folder import mark_forced


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


def test_tasks_that_fail_keep_no_other_from_being_made_and_are_counted_together(
    stage: Stage,
) -> None:
    seen: dict[str, int] = {}

    def make(task: Task) -> Result:
        seen[task.name] = task.failures
        if task.name in "bdfghij" and task.failures < 2:
            raise TaskFailed(task.name, f"{task.name} crashed")
        return Result(task.name, {"made": task.fingerprint})

    for count in (0, 1):
        with pytest.raises(
            TasksFailed, match=r"^b crashed; 7 tasks of this job failed: b, d, f, g, h, \.{3} \(7"
        ):
            run_tasks(
                *(stage.folder, stage.ledger, SUFFIX, tasks("abcdefghij")),
                lambda todo: one_by_one(todo, make),
            )
        assert stage.files() == ["a.json", "c.json", "e.json"]
        assert {seen[name] for name in "bdfghij"} == {count}
    stage.run(*tasks("abcdefghij"))
    assert stage.computed == [*"bdfghij"]


def test_a_task_that_fails_alone_is_named_alone() -> None:
    def make(task: Task) -> Result:
        raise TaskFailed(task.name, "a crashed")

    with pytest.raises(TasksFailed, match=r"^a crashed$"):
        list(one_by_one(tasks("a"), make))
