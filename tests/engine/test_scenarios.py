"""Variants of a run: named by what they change, sharing what their settings do not reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from small_project import make_config
from unmuted.engine.run import Run
from unmuted.engine.scenarios import PATTERN, changed_setting, scenario_name, scenario_path
from unmuted.errors import UserError
from unmuted.evaluation.arms import arms_of_setting
from unmuted.pipeline.ablations import ablation_inputs, ablations
from unmuted.pipeline.registry import FAMILIES, STAGES, open_run
from unmuted.systems.comparison.planned import outer_fold_runs, training_rates


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(12)}
    return open_run(make_config(tmp_path, labels))


def changed(project: Run, name: str) -> set[str]:
    """Stages that a scenario makes anew, without those that only show what others found."""
    scenario = project.scenario(name)
    return {stage for stage in STAGES if scenario.layout.owns(stage)} - SHOWN


def test_what_is_shown_of_a_video_follows_what_it_shows(project: Run) -> None:
    scenario = project.scenario("generator.draws=2")
    shown = {stage for stage in SHOWN if scenario.layout.owns(stage)}
    assert shown == {"sound_previews", "pages"}


SHOWN = {stage.name for family in FAMILIES if family.name == "pages" for stage in family.stages}
MAIN = {"generated", "trained_mapping", "classifier", "selection", "predictions"}
GENERATORS = {"generator", "null_generator", "null_generated"}  # and what the null one makes
COMPARED = {"comparison_classifier", "comparison_selection", "comparison_predictions"}


def test_a_variant_owns_only_what_its_settings_reach(project: Run) -> None:
    assert changed(project, "generator.draws=2") == {*MAIN, "null_generated", *COMPARED}
    assert changed(project, "generator.anchoring=false") == {*GENERATORS, *MAIN, *COMPARED}
    assert changed(project, "mapping.k=5") == {"mapping", "trained_mapping"}
    assert changed(project, "retrieval.k=3") == {"retrieved", *COMPARED}
    filtered = {"predicted_labels", *COMPARED}
    assert changed(project, "filter.top_labels=3") == filtered
    assert changed(project, "missing.training_rate=0.5") == {
        *("projection", "baselines", "prototypes", *GENERATORS),
        *("video_generator", "video_generated", "class_sound", "expected_sound"),
        *("fold_teacher", "teacher_posterior"),
        *("pilot", "pilot_selection", "pilot_generated", "pilot_predictions"),
        *("lookup_set", "retrieved", "swap_partners", *MAIN, *filtered),
    }
    pilot = {"pilot", "pilot_selection", "pilot_generated", "pilot_predictions"}
    assert changed(project, "pilot.lambdas=[3]") == {*pilot, *COMPARED}
    recogniser = {"cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions", "cnn_rnn_animations"}
    assert changed(project, "cnn_rnn.epochs=3") == recogniser
    captions = {"representative_frames", "captions", "caption_embeddings", "mapping"}
    found = changed(project, "representative_frames.ratio=1.1")
    assert captions < found and not found & {"frames", "flow", "wav", "ast", "vit_rgb"}


def test_stages_that_one_job_makes_have_one_home(project: Run) -> None:
    found = changed(project, "flow.max_speed=99")
    assert {"flow", "vit_flow", "vit_rgb", "cnn_flow", "cnn_rgb"} < found
    assert not found & {"frames", "wav", "ast", "captions"}


def test_paths_say_the_variant_and_read_what_is_shared(project: Run) -> None:
    scenario = project.scenario("generator.draws=2")
    own = Path("results/scenarios/generator.draws=2/generated/s.ledger.csv")
    assert scenario.layout.ledger("generated", "s") == own
    assert scenario.layout.ledger("generator", "seed-0") == project.layout.ledger(
        "generator", "seed-0"
    )
    assert scenario.layout.all_ledgers("generator") == [
        Path("results/generator/seeds-0-1-2-3-4.ledger.csv")
    ]
    assert project.layout.ledger("generated", "s") == Path("results/generated/s.ledger.csv")
    assert re.fullmatch(PATTERN, scenario_path("generator.draws=2"))
    assert scenario_name(scenario_path("folds=3")) == "folds=3"
    assert project.scenario_of_path("") is project


def test_fingerprints_differ_where_a_variant_does(project: Run) -> None:
    scenario = project.scenario("generator.anchoring=false")
    assert scenario.planner.job_fingerprint("generator") != project.planner.job_fingerprint(
        "generator"
    )
    with pytest.raises(UserError, match="reaches the stage frames"):
        scenario.planner.job_fingerprint("frames", next(iter(project.dataset.shards)))


def test_half_the_audio_missing_in_training_is_a_variant(project: Run) -> None:
    names = training_rates(project.config)
    runs = {rate: project.scenario(name) for rate, name in names.items()}
    assert list(runs) == [0, 0.5]
    assert runs[0] is project
    assert runs[0.5].config["missing"]["training_rate"] == 0.5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("generator.anchorin=false", "anchorin"),
        ("nothing.there=1", "unknown key"),
        ("generator.draws=0", "draws"),
        ("seeds=[1]", "must be the same in all scenarios"),
        ("videos.source=folder", "must be the same in all scenarios"),
        ("generator.draws", "expected settings such as"),
    ],
)
def test_names_that_say_nothing_are_refused(project: Run, name: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        project.scenario(name)


def test_names_of_settings_are_read_back(project: Run) -> None:
    for key, value in [("generator.anchoring", False), ("mapping.k", 5), ("folds", 3)]:
        name = changed_setting(key, value)
        found: object = project.scenario(name).config
        for part in key.split("."):
            found = found[part]
        assert found == value
        assert re.fullmatch(PATTERN, scenario_path(name))


def test_a_grid_waits_for_all_that_its_runs_are_compared_by(project: Run) -> None:
    project.config["ablations"] = {
        "small": {"generator.tau": [9], "filter.top_labels": [9], "audio_dim": [9]}
    }
    needs = ablation_inputs(project, "small")
    assert project.layout.ledger("projection") in needs
    faded, other, narrow = (ablation.run for ablation in ablations(project, "small"))
    assert narrow.layout.ledger("projection") != project.layout.ledger("projection")
    assert narrow.layout.ledger("projection") in needs
    for shard in project.dataset.shards:
        assert other.layout.ledger("comparison_predictions", shard) in needs
        assert narrow.layout.ledger("comparison_predictions", shard) in needs
        assert faded.layout.ledger("comparison_predictions", shard) not in needs
        for run in (project, narrow, faded):
            for stage in ("generated", "predictions"):
                assert run.layout.ledger(stage, shard) in needs


@pytest.mark.parametrize(
    ("key", "arms"),
    [
        ("generator.anchoring", ("generated",)),
        ("video_generator.steps", ("generated_arch1", "filtered")),
        ("retrieval.k", ("knn_audio",)),
        ("models.sentence", ("generated", "filtered")),
        ("pilot.lambdas", ("generated_pilot",)),
        ("folds", ("generated", "generated_arch1", "generated_pilot", "filtered", "knn_audio")),
    ],
)
def test_a_setting_is_judged_by_the_arms_that_it_reaches(key: str, arms: tuple[str, ...]) -> None:
    known = ("generated", "generated_arch1", "generated_pilot", "filtered", "knn_audio")
    assert tuple(arm for arm in arms_of_setting(key) if arm in known) == arms


def test_ablations_try_each_value_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = make_config(tmp_path, {f"{c}{i}": c for c in "ab" for i in range(12)})
    config["ablations"] = {
        "small": {"generator.anchoring": [True, False], "filter.percentiles": ["low"]}
    }
    config["alternatives"] = {"filter.percentiles": {"low": [10]}}
    project = open_run(config)
    first, second, third = ablations(project, "small")
    assert first.run is project and first.arms == ("generated",)
    assert second.run.config["generator"]["anchoring"] is False
    assert third.run.config["filter"]["percentiles"] == [10]
    assert third.arms == ("filtered",)
    with pytest.raises(UserError, match=r"no grid 'large'.*known: small"):
        ablations(project, "large")


# --- outer folds ----------------------------------------------------------------------------------


@pytest.fixture
def folded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    labels = {f"{label}{i}": label for label in ("cats", "dogs") for i in range(12)}
    config = make_config(tmp_path, labels) | {"evaluation": {"outer_folds": 3}, "folds": 2}
    return open_run(config)


def folds_of(run: Run) -> list[Run]:
    return [run.scenario(name) for name in outer_fold_runs(run.config)]


def test_every_video_is_tested_in_one_outer_fold(folded: Run) -> None:
    tested = [
        name
        for run in folds_of(folded)
        for name, split in run.dataset.splits.items()
        if split == "test"
    ]
    assert sorted(tested) == sorted(folded.dataset.videos)
    assert all(run.store.read_splits() == run.dataset.splits for run in folds_of(folded))


def test_an_outer_fold_owns_what_depends_on_splits_and_shares_the_rest(folded: Run) -> None:
    owned = changed(folded, "evaluation.outer_fold=1")
    assert {*MAIN, *COMPARED, "projection", "sources", "degraded_ast", "retrieved"} < owned
    assert not owned & {"frames", "wav", "ast", "vit_rgb", "captions", "mapping", "dictionary"}


def test_an_outer_fold_is_told_of_its_own_training_videos(folded: Run) -> None:
    """Not of those of the run: a changed video of the fold's training must reach its fits."""
    first = folds_of(folded)[0]
    own, base = first.dataset.splits, folded.dataset.splits
    moved = next(n for n in own if own[n] == "train" and base[n] == "test")
    tested = next(n for n in own if own[n] == "test" and base[n] == "train")
    before = _fit_fingerprints(folded)
    assert before[0] != before[1]
    folded.dataset.videos[moved].file.write_bytes(b"another video")
    after = _fit_fingerprints(open_run(folded.config))
    assert before[0] == after[0]  # the run only tests this video
    assert before[1] != after[1]
    folded.dataset.videos[tested].file.write_bytes(b"another video")
    last = _fit_fingerprints(open_run(folded.config))
    assert last[0] != after[0]
    assert last[1] == after[1]  # the fold only tests this one


def _fit_fingerprints(run: Run) -> list[str]:
    """Job fingerprints of a fit that reads training videos alone, of the run and of a fold."""
    return [one.planner.job_fingerprint("projection") for one in (run, folds_of(run)[0])]


def test_other_splits_visit_what_is_made_for_tested_videos_alone(folded: Run) -> None:
    shard = next(iter(folded.dataset.shards))
    runs = (folded, *folds_of(folded))
    found = {run.planner.job_fingerprint("degraded_ast", shard) for run in runs}
    assert len(found) == len(runs)


def test_the_comparison_waits_for_the_predictions_of_every_fold(folded: Run) -> None:
    needs = folded.report_inputs("comparison")
    for run in folds_of(folded):
        for shard in run.dataset.shards:
            for stage in ("predictions", "comparison_predictions", "pilot_predictions"):
                ledger = run.layout.ledger(stage, shard)
                assert "scenarios" in str(ledger) and ledger in needs
    rate = folded.scenario("missing.training_rate=0.5")
    shard = next(iter(folded.dataset.shards))
    assert rate.layout.ledger("comparison_predictions", shard) in needs
    assert rate.layout.ledger("predictions", shard) not in needs


def test_a_run_itself_tests_no_outer_fold(folded: Run) -> None:
    evaluation = {"outer_folds": 3, "outer_fold": 0}
    with pytest.raises(UserError, match="scenarios set it, not the configuration"):
        open_run(folded.config | {"evaluation": evaluation}).check()
    with pytest.raises(UserError, match="expected less than outer_folds"):
        folded.scenario("evaluation.outer_fold=3")
    with pytest.raises(UserError, match="must be the same in all scenarios"):
        folded.scenario("evaluation.outer_folds=2")


def test_a_class_that_a_fold_cannot_train_on_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = {f"dogs{i}": "dogs" for i in range(12)} | {"cat": "cats"}
    run = open_run(make_config(tmp_path, labels) | {"evaluation": {"outer_folds": 2}, "folds": 2})
    testing = next(one for one in folds_of(run) if one.dataset.splits["cat"] == "test")
    with pytest.raises(UserError, match="class 'cats' has no training video"):
        testing.check_experiment()
