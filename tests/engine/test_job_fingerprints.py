"""What changes the fingerprint of a job, so that Snakemake runs it."""

from __future__ import annotations

import importlib
import os
from collections import Counter
from collections.abc import Set
from pathlib import Path

import pytest

from engine.small_runs import LABELS, differing, made_of_names, upstream
from small_project import (
    CLIP_REPORTS,
    CLIP_STAGES,
    changed,
    make_config,
    run_fits,
    run_shard,
    write_ledgers,
)
from unmuted.engine import code_digests
from unmuted.engine.damage import mark_damaged
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.sharded_dataset import ShardedDataset
from unmuted.pipeline.registry import open_run

SYSTEMS = ["arch2", "arch1", "pilot", "cnn_rnn", "comparison"]  # of clips


def fingerprints_by_shard(config, stage: str) -> dict[str, str]:
    project = open_run(config)
    return {
        shard: project.planner.job_fingerprint(stage, shard) for shard in project.dataset.shards
    }


@pytest.mark.parametrize("how", ["touched", "older", "grown", "gone"])
def test_a_changed_file_has_its_own_shard_probed(config, tmp_path: Path, how: str) -> None:
    path = tmp_path / "videos" / "cats" / "cats1.mp4"
    os.utime(path, ns=(10**18, 10**18))
    before = {stage: fingerprints_by_shard(config, stage) for stage in ("probe", "frames", "ast")}
    if how == "touched":
        os.utime(path)
    elif how == "older":
        os.utime(path, ns=(5, 5))
    elif how == "grown":
        path.write_bytes(b"longer than it was")
        os.utime(path, ns=(10**18, 10**18))
    else:
        path.unlink()
        path.symlink_to("nowhere")
    own = open_run(config).dataset.shard_of["cats1"]
    for stage in before:
        assert differing(before[stage], fingerprints_by_shard(config, stage)) == {own}


def all_job_fingerprints(config) -> dict[str, str]:
    """Params of every rule: of one shard of each stage, of each fit, and of the reports.

    Pages and the site show all systems of clips, so that they read all that they may.
    """
    project = open_run(changed(config, "report.systems", SYSTEMS))
    shard = min(project.dataset.shards)
    rules = {
        name: project.planner.job_fingerprint(name, shard if stage.is_sharded else None)
        for name, stage in CLIP_STAGES.items()
        if name not in ("clips", "truth")
    }
    return rules | {name: project.report_fingerprint(name) for name in CLIP_REPORTS}


def downstream(stage: str) -> set[str]:
    """The stage and all stages made from it, at any depth; without the demo's own."""
    return {name for name in CLIP_STAGES if stage in {name, *upstream(name)}} - {"clips", "truth"}


def reports_on(stage: str) -> set[str]:
    """Reports that a stage's artifacts reach."""
    return {
        name for name, report in CLIP_REPORTS.items() if downstream(stage) & set(report.upstream)
    }


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("systems/pilot/report.py", {"pilot_metrics"}),
        ("systems/comparison/figures.py", {"comparison"}),
        ("systems/arch1/dictionary_table.py", {"semantic_dictionary"}),
        (
            "evaluation/bootstrap.py",
            CLIP_REPORTS.keys() - {"predictions", "semantic_dictionary"},
        ),
        ("evaluation/outputs.py", CLIP_REPORTS.keys()),
    ],
)
def test_changed_code_of_a_report_writes_that_report_anew(
    config, monkeypatch: pytest.MonkeyPatch, file: str, names: Set[str]
) -> None:
    """All reports share a script; what is in each says a module that the script imports by name."""
    read = code_digests._read
    project = open_run(config)
    before = {name: project.report_fingerprint(name) for name in CLIP_REPORTS}

    def changed_file(path: Path) -> tuple[str, frozenset[str]]:
        digest, imported = read(path)
        return ("changed" if path.as_posix().endswith(f"unmuted/{file}") else digest), imported

    monkeypatch.setattr(code_digests, "_read", changed_file)
    code_digests.code_digest.cache_clear()
    found = differing(before, {name: project.report_fingerprint(name) for name in CLIP_REPORTS})
    code_digests.code_digest.cache_clear()
    assert found == names


@pytest.mark.parametrize(
    ("dotted", "value", "stages"),
    [
        ("flow.max_speed", 99, {"flow"}),
        ("pilot.epochs", 7, {"pilot"}),
        ("cnn_rnn.image_size", 99, {"cnn_sequence"}),
        ("captions.num_beams", 3, {"captions"}),
        ("audio_dim", 9, {"projection"}),
        ("generator.steps", 3, {"generator", "null_generator"}),
        ("video_generator.steps", 3, {"video_generator"}),
        ("retrieval.k", 3, {"retrieved"}),
        ("filter.top_labels", 3, {"predicted_labels"}),
    ],
)
def test_a_change_reaches_the_params_of_all_that_is_downstream(
    config, dotted: str, value: object, stages: Set[str]
) -> None:
    """Else a job that failed half-way would leave stale results that count as up to date."""
    found = differing(
        all_job_fingerprints(config), all_job_fingerprints(changed(config, dotted, value))
    )
    reached = set().union(*map(downstream, stages))
    assert found == reached | CLIP_REPORTS.keys()  # reports state all of the configuration


def test_damage_that_was_found_reaches_all_that_is_downstream(config) -> None:
    project = open_run(config)
    shard = min(project.dataset.shards)
    run_shard(project, "probe", shard, made_of_names, dict.fromkeys(LABELS, "content"))
    for read in CLIP_STAGES["mapping"].inputs:
        write_ledgers(project, read, {})
    run_shard(project, "mapping", shard, made_of_names)
    run_fits(project, "selection", {"all": "input"}, made_of_names)
    before = all_job_fingerprints(config)
    assert reports_on("mapping") == {"arch2_metrics", "site"}
    for stage, part in (("probe", shard), ("mapping", shard), ("selection", None)):
        folder, ledger = project.layout.folder(stage, part), project.layout.ledger(stage, part)
        assert mark_damaged(folder, ledger, ".json") == []
        assert all_job_fingerprints(config) == before
        next(folder.glob("*.json")).write_text("{}")
        assert len(mark_damaged(folder, ledger, ".json")) == 1
        after = all_job_fingerprints(config)
        assert differing(before, after) == downstream(stage) | reports_on(stage)
        before = after


def test_a_new_video_has_its_own_shard_run_again(config, tmp_path: Path) -> None:
    before = fingerprints_by_shard(config, "flow")
    (tmp_path / "videos" / "dogs" / "new.mp4").touch()
    after = fingerprints_by_shard(config, "flow")
    assert after.keys() == before.keys()
    assert differing(before, after) == {open_run(config).dataset.shard_of["new"]}


def test_a_new_video_has_no_other_shard_mapped(config, tmp_path: Path) -> None:
    """The labels of AudioSet, to which captions are mapped, are the same for all videos."""
    before, labels = (
        fingerprints_by_shard(config, "mapping"),
        open_run(config).planner.job_fingerprint("label_embeddings"),
    )
    (tmp_path / "videos" / "birds").mkdir()
    (tmp_path / "videos" / "birds" / "new.mp4").touch()
    assert open_run(config).planner.job_fingerprint("label_embeddings") == labels
    own = open_run(config).dataset.shard_of["new"]
    assert differing(before, fingerprints_by_shard(config, "mapping")) == {own}


def test_fits_are_run_again_for_labels_splits_seeds_and_settings(config, tmp_path: Path) -> None:
    found = [open_run(config).planner.job_fingerprint("generator")]
    found.append(
        open_run(changed(config, "seeds", [1, 2, 3, 4, 5])).planner.job_fingerprint("generator")
    )
    found.append(open_run(changed(config, "folds", 3)).planner.job_fingerprint("generator"))
    (tmp_path / "videos" / "cats" / "cats1.mp4").rename(tmp_path / "videos" / "dogs" / "cats1.mp4")
    found.append(open_run(config).planner.job_fingerprint("generator"))
    assert len(set(found)) == 4
    assert open_run(config).planner.job_fingerprint("generator") == found[-1]


def test_reports_that_name_the_models_declare_what_those_made() -> None:
    """The numeric type that a model ran with stands in its artifacts."""
    from unmuted.evaluation.provenance import ARTIFACTS, ROLES

    found = []
    for name, report in CLIP_REPORTS.items():
        module = importlib.import_module(report.module)
        if hasattr(module, "provenance"):
            roles = getattr(module, "MODELS", ROLES)
            named = {ARTIFACTS[role] for role in roles if role in ARTIFACTS}
            assert named and named <= set(report.pooled), name
            found.append(name)
    assert len(found) == 6


def test_planning_grows_with_the_shards_and_not_with_their_square(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What all shards have upstream is worked out once, however many there are."""
    monkeypatch.chdir(tmp_path)
    counts: Counter[str] = Counter()
    for owner, name in ((JobFingerprints, "of_job"), (ShardedDataset, "check_labels")):
        original = getattr(owner, name)

        def counting(self, *arguments, name=name, original=original):
            counts[name] += 1
            return original(self, *arguments)

        monkeypatch.setattr(owner, name, counting)
    found = []
    for size in (12, 24):
        labels = {f"{label}{i}": label for label in "ab" for i in range(size)}
        config = make_config(tmp_path / str(size), labels) | {"videos_per_shard": 1}
        project = open_run(config)
        assert len(project.dataset.shards) == 2 * size
        counts.clear()
        for name, stage in CLIP_STAGES.items():
            for part in (
                project.dataset.shards if stage.is_sharded else project.layout.partitions(name)
            ):
                if name not in ("clips", "truth"):
                    project.planner.stage_inputs(name, part)
                    project.planner.job_fingerprint(name, part if stage.is_sharded else None)
        found.append(counts["of_job"])
        assert counts["check_labels"] == 1
    assert found[1] <= 2 * found[0]


def test_a_stage_of_source_videos_is_run_again_where_splits_change(config) -> None:
    """Which videos have pages depends on their splits, what is decoded of others does not."""
    other = changed(config, "splits.seed", 5)
    projects = [open_run(given) for given in (config, other)]
    moved = {
        projects[0].dataset.shard_of[name]
        for name, split in projects[0].dataset.splits.items()
        if projects[1].dataset.splits[name] != split
    }
    assert moved
    for stage, expected in (("clip_copies", moved), ("probe", set()), ("frames", set())):
        found = [fingerprints_by_shard(given, stage) for given in (config, other)]
        assert differing(*found) == expected, stage
