"""The tasks of a shard or fit, and the artifacts that they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.small_runs import LABELS, made_of_names
from small_project import (
    artifact_digests,
    changed,
    row,
    run_fits,
    run_shard,
    write_ledgers,
)
from unmuted.dataset.splits import write_groups, write_splits
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.executor import Result, Task
from unmuted.engine.job_notes import table_note, write_note
from unmuted.engine.ledger import read_rows
from unmuted.engine.run import Run
from unmuted.engine.sharded_dataset import SPLITS_TABLE
from unmuted.errors import UserError
from unmuted.pipeline.registry import STAGES, open_run


def tasks(project: Run, stage: str, extra: dict[str, object] | None = None) -> dict[str, Task]:
    return {
        task.name: task
        for shard in project.dataset.shards
        for task in project.store.shard_tasks(stage, shard, extra or {})
    }


def test_a_fingerprint_follows_the_content_of_its_inputs_and_not_how_it_was_made(project) -> None:
    write_ledgers(project, "frames", {})
    before = tasks(project, "flow")
    write_ledgers(project, "frames", {"cats1": row("cats1", "other content")})
    after = tasks(project, "flow")
    assert {n for n in before if before[n].fingerprint != after[n].fingerprint} == {"cats1"}
    again = row("cats1", "other content")
    write_ledgers(
        project, "frames", {"cats1": type(again)(**vars(again) | {"fingerprint": "another"})}
    )
    assert tasks(project, "flow")["cats1"].fingerprint == after["cats1"].fingerprint


def test_a_video_that_an_input_could_not_process_is_blocked_with_its_status(project) -> None:
    write_ledgers(project, "frames", {"cats1": row("cats1", None, "too_long")})
    found = tasks(project, "flow")
    assert {name for name, task in found.items() if task.blocked} == {"cats1"}
    assert found["cats1"].blocked.status == "too_long"
    assert set(found["dogs1"].inputs) == {"frames"}
    write_ledgers(project, "frames", {"cats1": row("cats1", None, "too_large")})
    assert tasks(project, "flow")["cats1"].fingerprint != found["cats1"].fingerprint


def test_an_optional_input_may_be_missing(project) -> None:
    for stage in STAGES["predictions"].inputs:
        write_ledgers(project, stage, {})
    write_ledgers(project, "ast", {"cats1": row("cats1", None, "silent")})
    found = tasks(project, "predictions")
    assert found["cats1"].blocked is None
    assert "ast" not in found["cats1"].inputs and "ast" in found["cats2"].inputs


def test_extra_inputs_enter_the_fingerprint_of_their_video(project) -> None:
    write_ledgers(project, "frames", {})
    before, after = tasks(project, "flow"), tasks(project, "flow", {"dogs2": "a fitted model"})
    assert {n for n in before if before[n].fingerprint != after[n].fingerprint} == {"dogs2"}


def test_a_shard_and_a_fit_run_through(project) -> None:
    for shard in project.dataset.shards:
        run_shard(project, "probe", shard, made_of_names, dict.fromkeys(LABELS, "content"))
    found = project.store.artifacts("probe", LABELS)
    assert {name: artifact.json()["of"] for name, artifact in found.items()} == {
        name: name for name in LABELS
    }
    run_fits(project, "selection", {"all": "input"}, made_of_names)
    assert project.store.fits("selection")["all"].json() == {"of": "all"}
    assert read_rows(Path("results/selection.ledger.csv"))["all"].status == "ok"


def test_another_number_of_shards_computes_nothing_again(config) -> None:
    computed = []

    def compute(todo: Sequence[Task]) -> Iterator[Result]:
        computed.extend(task.name for task in todo)
        yield from made_of_names(todo)

    def run(videos_per_shard: int) -> Run:
        project = open_run(changed(config, "videos_per_shard", videos_per_shard))
        for shard in project.dataset.shards:
            run_shard(project, "probe", shard, compute, dict.fromkeys(LABELS, "content"))
        project.store.prune()
        return project

    run(4)
    assert sorted(computed) == sorted(LABELS)
    computed.clear()
    for number in (1, 2, 100, 4):
        project = run(number)
        assert len(artifact_digests(project, "probe")) == len(LABELS)  # the old layout is gone
        assert {path.name for path in Path("results/probe").iterdir() if path.is_dir()} == set(
            project.dataset.shards
        )
    assert computed == []


def test_artifacts_leaves_out_videos_that_have_none(project) -> None:
    write_ledgers(project, "ast", {"cats1": row("cats1", None, "silent")})
    assert set(project.store.artifacts("ast", ["cats1", "cats2"])) == {"cats2"}


def test_behind_the_fits_no_ledger_of_another_shard_is_read(config) -> None:
    """So none can be missing there: fits name what is read of other shards by its digest."""
    project = open_run(changed(config, "folds", 2))
    first, second = sorted(project.dataset.shards)[:2]
    for name, stage in STAGES.items():
        if stage.is_sharded and stage.fits:
            read = {
                path.name
                for path in project.planner.stage_inputs(name, first)
                if "-of-" in path.name
            }
            assert read == {f"{first}.ledger.csv"}, name
    run_shard(project, "probe", second, made_of_names)
    digests = {name: row.digest for name, row in project.store.rows("probe", second).items()}
    project.layout.ledger("probe", second).unlink()
    for name, digest in digests.items():
        assert project.store.artifact_of_digest("probe", name, digest).json() == {"of": name}
        with pytest.raises(DamagedArtifact, match=name):
            project.store.artifact_of_digest("probe", name, "0" * 32).json()


def test_damaged_kept_splits_are_taken_from_the_table_or_refused_by_name(config) -> None:
    dataset = open_run(config).dataset
    splits, kept = dataset.splits, dataset.kept_splits
    videos = dataset.listing.videos
    kept.parent.mkdir(exist_ok=True)
    # Not those that would be dealt out anew.
    moved = {name: {"train": "test", "test": "train"}.get(one, one) for name, one in splits.items()}
    groups = {video.group: moved[video.video_id] for video in videos if video.label}
    write_groups(kept, groups)
    write_splits(SPLITS_TABLE, videos, moved)
    write_note(table_note(SPLITS_TABLE), dataset.splits_digest, [SPLITS_TABLE])
    whole = kept.read_bytes()
    kept.write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 1])
    again = open_run(config).dataset
    assert again.splits == moved != splits
    again.repair_kept_splits()
    assert kept.read_bytes() == whole
    kept.write_bytes(b"")
    SPLITS_TABLE.write_text(SPLITS_TABLE.read_text().replace("train", "val"))
    with pytest.raises(UserError, match=r"\.splits-.*splits\.csv cannot take its place"):
        _ = open_run(config).dataset.splits
