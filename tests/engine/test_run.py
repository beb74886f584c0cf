"""A run's plan: what changes which fingerprint, what blocks a video, what is refused at once."""

from __future__ import annotations

import importlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from contextlib import chdir
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from small_project import (
    artifact_digests,
    changed,
    make_config,
    row,
    run_fits,
    run_shard,
    write_ledgers,
)
from unmuted.config.generator import GeneratorSettings
from unmuted.dataset.splits import write_groups, write_splits
from unmuted.dataset.videos import SPLITS
from unmuted.engine import code_digests
from unmuted.engine.artifacts import DamagedArtifact
from unmuted.engine.damage import mark_damaged
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import make_jobs
from unmuted.engine.job_fingerprints import JobFingerprints
from unmuted.engine.job_folder import DAMAGE
from unmuted.engine.job_notes import NOTE, table_note, write_note
from unmuted.engine.ledger import read_rows
from unmuted.engine.run import Run
from unmuted.engine.sharded_dataset import SPLITS_TABLE, ShardedDataset
from unmuted.errors import UserError
from unmuted.pipeline.registry import BY_VIDEO, REPORTS, STAGES, open_run
from unmuted.systems.arch2.stages import GENERATOR

COMPARED = {"comparison_classifier", "comparison_selection", "comparison_predictions"}
LABELS = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(4)} | {"loose": None}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.chdir(tmp_path)
    return make_config(tmp_path, LABELS)


@pytest.fixture
def project(config: dict[str, object]) -> Run:
    return open_run(config)


def made_of_names(todo: Sequence[Task]) -> Iterator[Result]:
    """Artifacts that say their names."""
    yield from (Result(task.name, {"of": task.name}) for task in todo)


def fingerprints(config: dict[str, object]) -> dict[str, str]:
    """Recipe of every stage, of one and the same input."""
    project = open_run(config)
    return {stage: project.fingerprints.of_artifact(stage, "input") for stage in STAGES}


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one if one[name] != other[name]}


# --- what enters a fingerprint --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dotted", "value", "stages"),
    [
        (
            *("clips.fps", 5),
            {"truth", "frames", "ast", "noise_ast", "generator", "video_generator"},
        ),
        ("frames.short_side", 128, {"frames", "sequence_frames"}),
        ("frames.sampling", "every_nth", {"frames"}),
        ("flow.max_speed", 99, {"flow"}),
        ("flow.scale", "per_pair", {"flow"}),
        ("wav.silence_db", -50, {"wav"}),
        ("wav.languages", ["eng"], {"wav"}),
        ("representative_frames.ratio", 1.5, {"representative_frames"}),
        ("captions.num_beams", 2, {"captions"}),
        ("mapping.k", 2, {"mapping"}),
        ("vit.batch_size", 4, {"vit_rgb", "vit_flow"}),
        ("ast.passes", "per_step", {"ast", "noise_ast"}),
        ("audio_dim", 64, {"projection", "comparison_classifier"}),
        ("prototypes.min_weight", 2.0, {"prototypes"}),
        ("generator.draws", 9, {"generated"}),
        ("generator.epochs", 9, {"generator"}),  # `generated` is told by the generators it reads
        ("video_generator.epochs", 9, {"video_generator"}),
        ("retrieval.k", 9, {"retrieved"}),
        ("folds", 3, {"sources", "prototypes", "generator", "video_generator", "lookup_set"}),
        # the pilot's fits say themselves which lambda, fold and number of checkpoints they have
        ("pilot.lambdas", [3], set()),
        ("pilot.snapshots", 2, set()),
        ("pilot.epochs", 9, {"pilot"}),
        ("cnn.batch_size", 4, {"cnn_rgb", "cnn_flow", "cnn_sequence", "timeline_cnn"}),
        ("timeline.fps", 2, {"timeline_frames"}),
        ("cnn_rnn.image_size", 96, {"cnn_sequence"}),
        ("cnn_rnn.sampling", "even", {"sequence_frames"}),
        (
            *("cnn_rnn.sequence_length", 9),
            {"sequence_frames", "cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions"},
        ),
        ("cnn_rnn.epochs", 9, {"cnn_rnn"}),
        ("cnn_rnn.split", "sorted_tail", {"cnn_rnn_predictions"}),  # fits are told by their clips
        ("cnn_rnn.tail_share", 0.2, set()),
        ("filter.shuffle_seed", 9, {"dictionary"}),
        ("filter.top_labels", 9, {"predicted_labels"}),
        # classifiers behind a filter say so themselves, see tests/guards/test_guards_history.py
        ("filter.percentiles", [9], {"comparison_selection"}),
        ("filter.mode", "uniform", {"dictionary", *COMPARED} - {"comparison_classifier"}),
        ("classifier.epochs", 9, {"classifier", "selection", "predictions", *COMPARED}),
        ("missing.training_rate", 0.5, {"projection", "comparison_classifier"}),
        ("missing.seed", 9, {"projection", "noise_ast", "swap_partners", *COMPARED}),
        ("missing.test_rates", [0, 1], set()),  # only counted and averaged when results are written
        ("missing.kinds", ["noise"], set()),
        ("videos.max_seconds", 9, {"probe"}),
        ("models.vit.dtype", "float32", {"vit_rgb", "vit_flow"}),
        (
            *("models.sentence.dtype", "float32"),
            {"caption_embeddings", "label_embeddings", "dictionary", "generator", "generated"},
        ),
        ("videos_per_shard", 2, set()),
        ("seeds_per_job", 1, set()),
        ("threads", 7, set()),
        ("bootstrap.resamples", 999, set()),
        ("splits.seed", 9, set()),
    ],
)
def test_a_setting_changes_the_fingerprints_of_the_stages_that_read_it(
    config, dotted: str, value: object, stages: set[str]
) -> None:
    assert differing(fingerprints(config), fingerprints(changed(config, dotted, value))) == stages


@pytest.mark.parametrize(
    ("role", "stages"),
    [
        ("vit", {"vit_rgb", "vit_flow"}),
        ("ast", {"ast", "noise_ast", "prototypes", "predicted_labels"}),
        ("blip", {"captions"}),
        ("pilot_backbone", {"cnn_rgb", "cnn_flow", "timeline_cnn"}),
        ("cnn_rnn_backbone", {"cnn_sequence"}),
        (
            "sentence",
            {"caption_embeddings", "label_embeddings", "dictionary", "generator", "generated"},
        ),
    ],
)
def test_other_weights_change_the_fingerprints_of_the_stages_that_run_them(
    config, tmp_path: Path, role: str, stages: set[str]
) -> None:
    before = fingerprints(config)
    (tmp_path / "models" / role / "model.safetensors").write_text("other weights")
    assert differing(before, fingerprints(config)) == stages


def test_a_moved_model_is_the_same_model(config, tmp_path: Path) -> None:
    before = fingerprints(config)
    (tmp_path / "models" / "vit").rename(tmp_path / "elsewhere")
    assert fingerprints(changed(config, "models.vit.path", str(tmp_path / "elsewhere"))) == before


def test_the_device_matters_to_stages_with_models_only(config) -> None:
    found = differing(fingerprints(config), fingerprints(changed(config, "device", "cpu")))
    assert found == {name for name, stage in STAGES.items() if stage.models}


def test_training_is_handed_exactly_the_generator_settings_of_its_fingerprint(project) -> None:
    (job,) = make_jobs(project, "train_generator", "seeds-0-1-2-3-4")
    handed = job.config["generator"]
    assert {f"generator.{key}" for key in handed} == set(GENERATOR)
    assert GeneratorSettings.of(handed).model_dump() == dict(handed)


# --- what makes Snakemake visit a shard ----------------------------------------------------------


def visits(config, stage: str) -> dict[str, str]:
    project = open_run(config)
    return {
        shard: project.planner.job_fingerprint(stage, shard) for shard in project.dataset.shards
    }


@pytest.mark.parametrize("how", ["touched", "older", "grown", "gone"])
def test_a_changed_file_has_its_own_shard_probed(config, tmp_path: Path, how: str) -> None:
    path = tmp_path / "videos" / "cats" / "cats1.mp4"
    os.utime(path, ns=(10**18, 10**18))
    before = {stage: visits(config, stage) for stage in ("probe", "frames", "ast")}
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
        assert differing(before[stage], visits(config, stage)) == {own}


def upstream(stage: str) -> set[str]:
    """All stages from which a stage is made, at any depth."""
    found: set[str] = set()
    queue = [stage]
    while queue:
        one = STAGES[queue.pop()]
        new = set(one.upstream) - found
        found |= new
        queue += new
    return found


def all_visits(config) -> dict[str, str]:
    """Params of every rule: of one shard of each stage, of each fit, and of the reports."""
    project = open_run(config)
    shard = min(project.dataset.shards)
    rules = {
        name: project.planner.job_fingerprint(name, shard if stage.is_sharded else None)
        for name, stage in STAGES.items()
        if name not in ("clips", "truth")
    }
    return rules | {name: project.report_fingerprint(name) for name in REPORTS}


def downstream(stage: str) -> set[str]:
    """The stage and all stages made from it, at any depth; without the demo's own."""
    return {name for name in STAGES if stage in {name, *upstream(name)}} - {"clips", "truth"}


def reports_on(stage: str) -> set[str]:
    """Reports that a stage's artifacts reach."""
    return {name for name, report in REPORTS.items() if downstream(stage) & set(report.upstream)}


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("systems/pilot/report.py", {"pilot_metrics"}),
        ("systems/comparison/figures.py", {"comparison"}),
        ("systems/arch1/dictionary_table.py", {"semantic_dictionary"}),
        ("evaluation/bootstrap.py", REPORTS.keys() - {"predictions", "semantic_dictionary"}),
        ("evaluation/outputs.py", REPORTS.keys()),
    ],
)
def test_changed_code_of_a_report_writes_that_report_anew(
    config, monkeypatch: pytest.MonkeyPatch, file: str, names: Set[str]
) -> None:
    """All reports share a script; what is in each says a module that the script imports by name."""
    read = code_digests._read
    project = open_run(config)
    before = {name: project.report_fingerprint(name) for name in REPORTS}

    def changed_file(path: Path) -> tuple[str, frozenset[str]]:
        digest, imported = read(path)
        return ("changed" if path.as_posix().endswith(f"unmuted/{file}") else digest), imported

    monkeypatch.setattr(code_digests, "_read", changed_file)
    code_digests.code_digest.cache_clear()
    found = differing(before, {name: project.report_fingerprint(name) for name in REPORTS})
    code_digests.code_digest.cache_clear()
    assert found == names


@pytest.mark.parametrize(
    ("dotted", "value", "stage"),
    [
        ("flow.max_speed", 99, "flow"),
        ("pilot.epochs", 7, "pilot"),
        ("cnn_rnn.image_size", 99, "cnn_sequence"),
        ("captions.num_beams", 3, "captions"),
        ("audio_dim", 9, "projection"),
        ("generator.epochs", 3, "generator"),
        ("retrieval.k", 3, "retrieved"),
        ("filter.top_labels", 3, "predicted_labels"),
    ],
)
def test_a_change_reaches_the_params_of_all_that_is_downstream(
    config, dotted: str, value: object, stage: str
) -> None:
    """Else a job that failed half-way would leave stale results that count as up to date."""
    found = differing(all_visits(config), all_visits(changed(config, dotted, value)))
    assert found == downstream(stage) | REPORTS.keys()  # reports state all of the configuration


def test_damage_that_was_found_reaches_all_that_is_downstream(config) -> None:
    project = open_run(config)
    shard = min(project.dataset.shards)
    run_shard(project, "probe", shard, made_of_names, dict.fromkeys(LABELS, "content"))
    for read in STAGES["mapping"].inputs:
        write_ledgers(project, read, {})
    run_shard(project, "mapping", shard, made_of_names)
    run_fits(project, "selection", {"all": "input"}, made_of_names)
    before = all_visits(config)
    assert reports_on("mapping") == {"arch2_metrics"}
    for stage, part in (("probe", shard), ("mapping", shard), ("selection", None)):
        folder, ledger = project.layout.folder(stage, part), project.layout.ledger(stage, part)
        assert mark_damaged(folder, ledger, ".json") == []
        assert all_visits(config) == before
        next(folder.glob("*.json")).write_text("{}")
        assert len(mark_damaged(folder, ledger, ".json")) == 1
        after = all_visits(config)
        assert differing(before, after) == downstream(stage) | reports_on(stage)
        before = after


def test_a_new_video_has_its_own_shard_visited(config, tmp_path: Path) -> None:
    before = visits(config, "flow")
    (tmp_path / "videos" / "dogs" / "new.mp4").touch()
    after = visits(config, "flow")
    assert after.keys() == before.keys()
    assert differing(before, after) == {open_run(config).dataset.shard_of["new"]}


def test_a_new_video_has_no_other_shard_mapped(config, tmp_path: Path) -> None:
    """The labels of AudioSet, to which captions are mapped, are the same for all videos."""
    before, labels = (
        visits(config, "mapping"),
        open_run(config).planner.job_fingerprint("label_embeddings"),
    )
    (tmp_path / "videos" / "birds").mkdir()
    (tmp_path / "videos" / "birds" / "new.mp4").touch()
    assert open_run(config).planner.job_fingerprint("label_embeddings") == labels
    own = open_run(config).dataset.shard_of["new"]
    assert differing(before, visits(config, "mapping")) == {own}


def test_fits_are_visited_for_labels_splits_seeds_and_settings(config, tmp_path: Path) -> None:
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
    for name, report in REPORTS.items():
        module = importlib.import_module(report.module)
        if hasattr(module, "provenance"):
            roles = getattr(module, "MODELS", ROLES)
            named = {ARTIFACTS[role] for role in roles if role in ARTIFACTS}
            assert named and named <= set(report.pooled), name
            found.append(name)
    assert len(found) == 5


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
        for name, stage in STAGES.items():
            for part in (
                project.dataset.shards if stage.is_sharded else project.layout.partitions(name)
            ):
                if name not in ("clips", "truth"):
                    project.planner.stage_inputs(name, part)
                    project.planner.job_fingerprint(name, part if stage.is_sharded else None)
        found.append(counts["of_job"])
        assert counts["check_labels"] == 1
    assert found[1] <= 2 * found[0]


# --- which videos are a reason to fit again -------------------------------------------------------

FITS = {name: stage for name, stage in STAGES.items() if stage.pooled}
LEARN_AUDIO = {name for name, stage in FITS.items() if stage.all_videos_if}


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str | None, bool], set[str]]:
    """Fits that are visited when a video is replaced, by its split and by fits.unlabelled."""
    folder = tmp_path_factory.mktemp("splits")
    labels = {f"{label}{i}": label for label in "ab" for i in range(12)} | {"loose": None}
    found = {}
    with chdir(folder):
        given = make_config(folder, labels)
        for split, unlabelled in product((*SPLITS, None), (False, True)):
            config = changed(given, "fits.unlabelled", unlabelled)
            run = open_run(config)
            video = next(
                v for name, v in run.dataset.videos.items() if run.dataset.splits.get(name) == split
            )
            before = {name: run.planner.job_fingerprint(name) for name in FITS}
            video.path.write_bytes(video.path.read_bytes() + b"longer than it was")
            run = open_run(config)
            after = {name: run.planner.job_fingerprint(name) for name in FITS}
            found[split, unlabelled] = differing(before, after)
    return found


def may_read(name: str, split: str | None, unlabelled: bool) -> bool:
    """Whether the registry lets a fit read videos of a split: itself, or through other fits."""
    own = [STAGES[name], *(STAGES[one] for one in upstream(name) if not STAGES[one].by_split)]
    return any(
        not fit.splits or split in fit.splits or (unlabelled and fit.all_videos_if)
        for fit in own
        if fit.pooled
    )


def test_the_cnn_rnn_needs_neither_vit_nor_captions_nor_sound() -> None:
    def behind(names: set[str]) -> set[str]:
        read = {one for n in names for one in (*STAGES[n].upstream, *STAGES[n].after)}
        return names | behind(read) if read - names else names

    own = {"cnn_sequence", "cnn_rnn_sources", "cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions"}
    read = behind(set(REPORTS["cnn_rnn_metrics"].upstream))
    assert read == {"probe", "frames", "sequence_frames", *own}


@pytest.mark.parametrize("unlabelled", [False, True])
@pytest.mark.parametrize("split", [*SPLITS, None])
@pytest.mark.parametrize("name", FITS)
def test_a_fit_is_visited_for_videos_that_it_may_read(
    visited, name: str, split: str | None, unlabelled: bool
) -> None:
    assert (name in visited[split, unlabelled]) == may_read(name, split, unlabelled)


def test_only_choices_are_visited_for_validation_videos_and_no_fit_for_test_videos(visited) -> None:
    """But tables over all clips, and what is trained on the audio of the pilot that is chosen."""
    of_all = {"sources", "cnn_rnn_sources", "swap_partners"}
    choices = {"selection", "pilot_selection", "cnn_rnn_selection", "comparison_selection"}
    in_seed_mode = {"cnn_rnn"}  # trained on the end of a list of training and validation clips
    assert visited["train", False] == set(FITS)
    assert visited["val", False] == of_all | choices | in_seed_mode | {"comparison_classifier"}
    assert visited["test", False] == visited[None, False] == of_all


def test_with_clips_without_label_all_that_learns_audio_is_visited_for_any_video(visited) -> None:
    assert {"projection", "generator", "pilot", "lookup_set"} <= LEARN_AUDIO
    for split in ("val", "test", None):
        assert visited[split, True] >= LEARN_AUDIO
    assert "cnn_rnn" not in visited["test", True]


@pytest.mark.parametrize("name", FITS)
def test_a_fit_that_is_up_to_date_waits_for_nothing_that_it_pools(config, name: str) -> None:
    """Else a changed test video would hide from Snakemake what else has work to do."""
    config = changed(config, "folds", 2)
    project, stage = open_run(config), STAGES[name]
    part = project.layout.partitions(name)[0]
    fits = {ledger for fit in stage.fits for ledger in project.layout.all_ledgers(fit)}
    pooled = [
        one for other in (*stage.pooled, *stage.after) for one in project.layout.all_ledgers(other)
    ]

    def check(given: dict, is_up_to_date: bool, **how: bool) -> None:
        found = open_run(given).planner.stage_inputs(name, part, **how)
        waited = set() if is_up_to_date else {*pooled, Path("results/splits.csv")}
        assert set(found) == fits | waited and len(found) == len(fits | waited)

    check(config, False)  # it has never run
    folder, ledger = project.layout.folder(name, part), project.layout.ledger(name, part)
    for path in (*pooled, ledger):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folder.mkdir(parents=True, exist_ok=True)
    write_note(folder / NOTE, "another plan", [ledger])
    check(config, False)
    write_note(folder / NOTE, project.planner.job_fingerprint(name), [ledger])
    check(config, True)
    check(config, False, is_forced=True)
    check(changed(config, "frames.short_side", 99), False)
    for path in (ledger, *pooled[-1:]):
        path.unlink()
        check(config, False)
        path.touch()
    check(config, True)
    (folder / DAMAGE).write_text("found later")
    check(config, False)


def test_a_partition_of_another_layout_is_refused_while_planning(config) -> None:
    project = open_run(changed(config, "folds", 2))
    with pytest.raises(UserError, match="no partition of seeds 'seed-0' in this run; there are"):
        project.planner.stage_inputs("generator", "seed-0")


def test_each_partition_of_seeds_has_a_plan_of_its_own(config) -> None:
    project = open_run(changed(config, "folds", 2) | {"seeds_per_job": 1})
    folder = project.layout.folder("generator", "seed-1")
    folder.mkdir(parents=True)
    for name in (*STAGES["generator"].pooled, *STAGES["generator"].after):
        for path in project.layout.all_ledgers(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    project.layout.ledger("generator", "seed-1").touch()
    ledger = project.layout.ledger("generator", "seed-1")
    write_note(folder / NOTE, project.planner.job_fingerprint("generator"), [ledger])
    splits = Path("results/splits.csv")
    waits = [
        splits in project.planner.stage_inputs("generator", part)
        for part in project.layout.seed_partitions
    ]
    assert waits == [True, False, True, True, True]


# --- tasks ---------------------------------------------------------------------------------------


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
    for stage in ("vit_rgb", "vit_flow", "caption_embeddings", "generated"):
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


# --- refused at once -----------------------------------------------------------------------------


def message(config: dict[str, object]) -> str:
    with pytest.raises(UserError) as error:
        open_run(config).check()
    return str(error.value)


def test_a_good_project_passes(config) -> None:
    open_run(config).check()


def experiment_message(config: dict[str, object]) -> str:
    """What is wrong with labels and splits: no reason not to make features."""
    run = open_run(config)
    run.check()
    with pytest.raises(UserError) as error:
        run.check_experiment()
    return str(error.value)


def test_one_class_only(tmp_path: Path) -> None:
    text = experiment_message(make_config(tmp_path, {"a": "cats", "b": "cats", "c": None}))
    assert "expected at least two classes among the labelled videos, found only 'cats'" in text


def test_stages_without_fits_need_no_splits_and_no_two_classes(tmp_path: Path) -> None:
    """Two clips of each of two classes can be looked at."""
    labels = {"a": "cats", "b": "cats", "c": "dogs", "d": "dogs"}
    for number, few in enumerate((labels, dict.fromkeys("ab", "cats"))):
        run = open_run(make_config(tmp_path / str(number), few))
        run.check()
        for name in ("probe", "frames", "wav", "flow", "vit_rgb", "ast", "captions"):
            for shard in run.dataset.shards:
                run.planner.stage_inputs(name, shard)
                run.planner.job_fingerprint(name, shard)
        with pytest.raises(UserError, match=r"too few source groups|two classes"):
            run.planner.stage_inputs("selection")


def test_no_labels_are_fine_until_a_fit_is_asked_for(tmp_path: Path) -> None:
    project = open_run(make_config(tmp_path, {"a": None, "b": None}))
    project.check()
    with pytest.raises(UserError, match=r"two classes .* found none"):
        project.check_experiment()


def test_too_few_videos_for_three_splits(tmp_path: Path) -> None:
    text = experiment_message(make_config(tmp_path, {"a": "cats", "b": "dogs"}))
    assert "too few source groups (2) for three splits" in text


def test_too_few_sources_are_fine_until_a_fit_is_asked_for(config) -> None:
    project = open_run(changed(config, "folds", 7))
    project.check()
    with pytest.raises(UserError, match="7 folds need at least 7 source groups"):
        project.check_experiment()


def test_splits_that_were_kept_are_those_that_are_checked(config, tmp_path: Path) -> None:
    """Cats were all dealt to training; now the only cats left come from a test source."""
    kept = open_run(config).dataset.kept_splits
    kept.parent.mkdir()
    kept.write_text("group,split\n" + "".join(f"cats{i},test\n" for i in range(4)))
    assert "class 'cats' has no training video" in experiment_message(config)


def test_a_missing_model_is_named_with_its_folder(config, tmp_path: Path) -> None:
    text = message(changed(config, "models.blip.path", str(tmp_path / "nowhere")))
    assert f"no folder {tmp_path}/nowhere; expected one with config.json and model" in text


def test_an_audio_space_wider_than_the_features_of_ast(config, tmp_path: Path) -> None:
    settings = tmp_path / "models" / "ast" / "config.json"
    settings.write_text('{"hidden_size": 128}')
    open_run(config).check()
    settings.write_text('{"hidden_size": 96}')
    text = message(config)
    assert f"audio_dim is 128, but AST ({settings.parent}) gives 96 features: set audio" in text
    open_run(changed(config, "audio_dim", 96)).check()


def test_a_fetched_model_is_asked_for_its_width_before_any_job(
    config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unmuted.models import hub

    monkeypatch.setattr(hub, "snapshot_folder", lambda name, commit: tmp_path / "cache" / commit)
    project = open_run(changed(config, "models.ast", {"id": "a/b", "revision": "1" * 40}))
    project.check()  # not at hand yet
    (tmp_path / "cache").mkdir()
    (tmp_path / "models" / "ast").rename(tmp_path / "cache" / ("1" * 40))
    (tmp_path / "cache" / ("1" * 40) / "config.json").write_text('{"hidden_size": 64}')
    weights = tmp_path / "cache" / ("1" * 40) / "model.safetensors"
    save_file({"x": np.zeros(1, np.float32)}, weights)
    with pytest.raises(UserError, match=r"audio_dim is 128, but AST .* gives 64 features"):
        project.require_models({"extract_ast"})


def test_models_are_fetched_for_the_jobs_that_run_them_only(
    config, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "unmuted.pipeline.registry.require_models", lambda specs: asked.append(set(specs))
    )
    project = open_run(config)
    project.require_models({"list_videos", "probe_videos", "train_classifier"})
    project.require_models({"extract_vit", "embed_labels", "fit_prototypes"})
    project.require_models({stage.script for stage in STAGES.values()})
    assert asked == [{"vit", "sentence", "ast"}, set(config["models"])]


def test_a_branch_is_no_revision(config) -> None:
    text = message(changed(config, "models.vit", {"id": "a/b", "revision": "main"}))
    assert "revision 'main' is no commit hash of 40 hex digits" in text


def test_unknown_videos_and_shards_are_refused(project) -> None:
    with pytest.raises(
        UserError, match=r"no video 'nobody' in this run; results/videos.csv lists the ids"
    ):
        project.planner.export_ledger("audio.wav", "nobody")
    shards = ", ".join(project.dataset.shards)
    with pytest.raises(UserError, match=re.escape(f"no shard 'x' in this run; there are {shards}")):
        project.planner.job_fingerprint("frames", "x")


def test_every_artifact_of_a_video_stands_in_its_own_shard(project) -> None:
    for artifact, stage in BY_VIDEO.items():
        shard = project.dataset.shard_of["dogs3"]
        assert project.planner.export_ledger(artifact, "dogs3") == Path(
            f"results/{stage}/{shard}.ledger.csv"
        )
        assert STAGES[stage].suffix == Path(artifact).suffix


def test_the_shares_of_the_splits_sum_to_one(config) -> None:
    shares = open_run(changed(config, "splits", {"train": 0.7, "val": 0.1})).dataset.split_shares
    assert list(shares) == list(SPLITS)
    assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2})


# --- artifacts of other shards, behind the fits --------------------------------------------------


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
