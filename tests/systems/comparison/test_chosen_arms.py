"""comparison.arms: which arms, classifiers and stages follow from it, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from small_project import changed, make_config
from unmuted.config.root import has_key
from unmuted.engine.run import Run
from unmuted.engine.settings import setting
from unmuted.errors import UserError
from unmuted.evaluation.arms import (
    COMPARISON_ARMS,
    MODES,
    STATISTICS,
    SWAPPED,
    Arm,
    contrast_pairs,
    leaking_arms,
)
from unmuted.evaluation.tested import chosen_classifier
from unmuted.features.visual import VISUAL
from unmuted.pipeline.ablations import ablation_inputs
from unmuted.pipeline.registry import REGISTRY, REPORTS, STAGES, open_run
from unmuted.systems.cnn_rnn import tail_split
from unmuted.systems.comparison import arm_audio
from unmuted.systems.comparison.chosen_arms import (
    SORTED_TAIL,
    ChosenArms,
    chosen_arms,
)
from unmuted.systems.comparison.planned import (
    ablated_arms,
    arm_without_sound,
    check_report_arms,
    outer_fold_runs,
)

MODELS = {role: {"path": f"models/{role}"} for role in ("vit", "ast", "blip")}
SMALLEST = {"videos": {"source": "demo"}, "models": MODELS}
FILLS = (  # what is also played to classifiers that fill, and to that of real audio
    *("degraded_ast", "classifier", "selection"),
    "swap_partners",
)
STEPS = ("comparison_classifier", "comparison_selection", "comparison_predictions")
CONTROLS = ("video_only", "generated_pilot", "generated_arch1", "generated_arch2", "real_audio")


def config_of(*arms: str, primary: str | None = None, **settings: object) -> dict:
    """A complete configuration with these arms; `settings`: dotted keys, dots written as __."""
    config = changed(SMALLEST, "comparison.arms", list(arms)) if arms else SMALLEST
    first = next((arm for arm in arms if arm != "video_only"), "real_audio")
    if arms:
        config = changed(config, "comparison.primary", primary or f"{first}-video_only")
    for key, value in settings.items():
        config = changed(config, key.replace("__", "."), value)
    return REGISTRY.check_config(config)


def chosen_of(*arms: str, **settings: object) -> ChosenArms:
    return chosen_arms(config_of(*arms, **settings))


def message(config: dict) -> str:
    with pytest.raises(UserError) as error:
        REGISTRY.check_config(config)
    return str(error.value)


# --- arms and classifiers -------------------------------------------------------------------------


@pytest.mark.parametrize("arm", COMPARISON_ARMS.values(), ids=lambda arm: arm.name)
def test_a_row_of_the_table_of_arms_names_what_there_is(arm: Arm) -> None:
    assert COMPARISON_ARMS[arm.name] is arm
    assert arm.train and arm.test and arm.role in ("arm", "control")
    has_audio = arm.audio is not None
    assert not has_audio or callable(getattr(arm_audio, arm.audio))
    assert has_audio or not (arm.stages or arm.prepared or arm.imputes or arm.is_filter)
    assert {*arm.stages, *arm.features, *arm.fits, arm.predictions} <= STAGES.keys()
    assert {*arm.prepared} <= {STATISTICS, SWAPPED} and {*arm.leaks_under} <= {*MODES}
    others = {*arm.contrasts, *arm.missing_contrasts, arm.classifier_of or arm.name}
    assert others <= COMPARISON_ARMS.keys()
    assert arm.percentile_of is None or COMPARISON_ARMS[arm.percentile_of].is_filter
    assert arm.teacher is None or arm.teacher in STAGES
    assert not arm.is_one_classifier or arm.imputes
    for key in arm.settings:  # a key of the configuration, or the section of some
        assert has_key(key), key


def test_a_split_under_which_the_recogniser_cannot_be_compared_is_named_alike() -> None:
    assert tail_split.SORTED_TAIL == SORTED_TAIL


def test_without_a_choice_there_are_all_arms() -> None:
    assert chosen_of().arms == tuple(COMPARISON_ARMS)
    assert "arms" not in config_of()["comparison"]  # the digest of a configuration stays as it was


def test_classifiers_come_in_the_order_of_the_arms_and_imputing_filters_last() -> None:
    imputing_arms = ("mean_audio", "knn_audio", "generated_pilot", "generated_arch1")
    filters = ("filtered", "random_filter", "mask_only")
    others = ("video_only_matched", "generated_arch2", "random_features", "swapped_audio")
    chosen = chosen_of(*imputing_arms, *filters, *others, filter__percentiles=[50, 25])
    assert chosen.arm_fits == (
        *("video_only_matched", *imputing_arms),
        *(*(f"{name}-{p}" for name in filters for p in (25, 50)), *others[2:]),
    )
    imputing = (*imputing_arms, "generated_arch2", "filtered-25", "filtered-50")
    assert chosen.imputing_fits == tuple(f"real_or_{fit}" for fit in imputing)
    assert chosen.fits == (*chosen.arm_fits, *chosen.imputing_fits)


def test_all_arms_by_name_are_the_default() -> None:
    assert chosen_of(*COMPARISON_ARMS) == chosen_of()


def test_arms_come_in_the_order_of_the_report_however_they_are_listed() -> None:
    assert chosen_of(*CONTROLS) == chosen_of(*reversed(CONTROLS)) == chosen_of(*CONTROLS[1:4])
    assert chosen_of(*CONTROLS).arms == CONTROLS


def test_a_control_trains_only_its_own_classifiers() -> None:
    assert chosen_of(*CONTROLS).fits == (
        *("generated_pilot", "generated_arch1", "real_or_generated_pilot"),
        *("real_or_generated_arch1", "real_or_generated_arch2"),
    )


def test_the_oracle_comes_with_the_filter_whose_classifier_it_uses() -> None:
    chosen = chosen_of("oracle_filter", filter__percentiles=[40])
    assert chosen.arms == ("video_only", "filtered", "real_audio", "oracle_filter")
    assert chosen.fits == ("filtered-40", "real_or_filtered-40")
    assert chosen.compared == ("filtered", "oracle_filter")


@pytest.mark.parametrize("arm", ["random_filter", "mask_only"])
def test_what_the_filter_is_compared_with_comes_with_it_and_fills_nothing(arm: str) -> None:
    chosen = chosen_of(arm, filter__mode="uniform")
    assert chosen.fits == ("filtered-0", f"{arm}-0", "real_or_filtered-0")
    assert chosen.imputing_arms == ("filtered",)
    selected = {"filters": {"filtered": {"chosen": 50}, arm: {"chosen": 50}}}
    assert chosen_classifier(arm, selected) == f"{arm}-50"
    assert chosen_classifier("oracle_filter", selected) == "filtered-50"


def test_modality_dropout_has_one_classifier_for_clips_with_and_without_sound() -> None:
    chosen = chosen_of("modality_dropout")
    assert chosen.arm_fits == () and chosen.fits == ("real_or_modality_dropout",)
    assert chosen.compared == ("modality_dropout",) and chosen.reads_real_audio
    found = chosen_classifier("modality_dropout", {"filters": {}})
    assert found == "real_or_modality_dropout"


def test_a_student_reads_its_teacher_and_imputes_nothing() -> None:
    chosen = chosen_of("distilled")
    assert chosen.fits == ("distilled",) and chosen.teachers == ("teacher_posterior",)
    assert "teacher_posterior" in chosen.reads["comparison_classifier"]
    assert "teacher_posterior" not in chosen_of("knn_audio").reads["comparison_classifier"]


def test_arms_of_other_experiments_need_no_classifier() -> None:
    assert chosen_of("video_only", "pilot", "cnn_rnn").fits == ()


def test_the_recogniser_is_left_out_where_it_cannot_be_compared() -> None:
    chosen = chosen_of(cnn_rnn__split=SORTED_TAIL)
    assert set(COMPARISON_ARMS) - set(chosen.arms) == {"cnn_rnn"}
    read = chosen.reads["comparison"]
    assert not {"cnn_rnn", "cnn_rnn_selection", "cnn_rnn_predictions", "cnn_sequence"} & set(read)


@pytest.mark.parametrize(
    ("arm", "is_heard"),
    [
        *(("video_only", False), ("video_only_matched", False), ("distilled", False)),
        *(("modality_dropout", True), ("random_filter", True)),
        *(("random_features", True), ("swapped_audio", True), ("generated_arch2", True)),
    ],
)
def test_real_audio_is_read_only_where_a_classifier_is_trained_on_it(
    arm: str, is_heard: bool
) -> None:
    assert chosen_of(arm).reads_real_audio == is_heard


# --- stages ---------------------------------------------------------------------------------------


def test_all_arms_read_what_the_table_of_stages_declares() -> None:
    reads = chosen_of().reads
    for step in STEPS:
        stage = STAGES[step]
        declared = {*stage.inputs, *stage.optional, *stage.pooled, *stage.fits}
        assert sorted(reads[step]) == sorted(declared), step
    report = REPORTS["comparison"]
    assert set(reads["comparison"]) <= {*report.pooled, *report.fits}
    config = config_of(evaluation__outer_folds=2)
    runs = report.scenarios(config)
    assert list(runs) == ["", "missing.training_rate=0.5", *outer_fold_runs(config)]
    read = {name: set(report.stages_in(config, name)) for name in runs}
    assert read[""] == read["missing.training_rate=0.5"] == set(chosen_of().at_all_rates)
    for name in outer_fold_runs(config):
        assert read[name] == set(chosen_of().in_outer_fold)


@pytest.mark.parametrize("arm", COMPARISON_ARMS)
def test_an_arm_alone_reads_a_part_of_what_all_read(arm: str) -> None:
    every, few = chosen_of().reads, chosen_of(arm).reads
    for step, stages in few.items():
        assert set(stages) <= set(every[step])
        assert {*VISUAL, "ast"} <= set(stages)


def test_a_control_reads_no_stage_of_other_arms() -> None:
    reads = chosen_of(*CONTROLS).reads
    trains = {*VISUAL, "ast", "video_generated", "pilot_generated", "generated", "projection"}
    assert set(reads["comparison_classifier"]) == trains
    assert set(reads["comparison_selection"]) == trains | {"comparison_classifier"}
    assert set(reads["comparison_predictions"]) == trains | {
        *("degraded_ast", "classifier", "selection", "swap_partners"),
        *("comparison_classifier", "comparison_selection"),
    }
    assert set(reads["comparison"]) == {
        *(*VISUAL, "ast", "captions", "selection", "predictions", "comparison_predictions"),
        *("comparison_selection", "generator", "video_generator"),
        *("pilot", "pilot_selection", "cnn_rgb"),
    }


@pytest.mark.parametrize(
    ("arm", "stages"),
    [
        ("video_only_matched", set()),
        ("mean_audio", {*FILLS}),
        ("knn_audio", {"retrieved", *FILLS}),
        ("generated_arch2", {"generated", *FILLS}),
        ("filtered", {"video_generated", "predicted_labels", "video_posterior", *FILLS}),
        ("generated_null", {"null_generated", *FILLS}),
        ("expected_class_sound", {"expected_sound", *FILLS}),
        ("modality_dropout", {*FILLS}),
        ("distilled", set()),
        ("random_features", set()),
        ("swapped_audio", {"swap_partners"}),
    ],
)
def test_predictions_read_the_stages_of_their_arm(arm: str, stages: set[str]) -> None:
    common = {*VISUAL, "ast", "projection", "comparison_classifier", "comparison_selection"}
    assert set(chosen_of(arm).reads["comparison_predictions"]) == common | stages


@pytest.mark.parametrize("arm", ["video_only", "pilot", "cnn_rnn"])
def test_without_classifiers_of_its_own_the_report_reads_no_step_of_the_comparison(
    arm: str,
) -> None:
    chosen = chosen_of(arm)
    assert not {*STEPS} & set(chosen.reads["comparison"])
    assert chosen.at_all_rates == ()


def test_other_training_rates_are_read_only_where_something_fills_missing_audio() -> None:
    assert chosen_of("random_features", "distilled").at_all_rates == ()
    assert chosen_of("generated_arch2").at_all_rates == ("comparison_predictions",)


# --- what is refused, before any job --------------------------------------------------------------


def test_an_unknown_arm_is_refused_with_the_known_ones() -> None:
    text = message(changed(SMALLEST, "comparison.arms", ["video_only", "generated_arch9"]))
    assert "comparison.arms.1: found 'generated_arch9', expected 'video_only' or " in text
    assert "'knn_audio'" in text


@pytest.mark.parametrize("arms", [[], ["knn_audio", "knn_audio"], "knn_audio"])
def test_other_lists_that_mean_nothing_are_refused(arms: object) -> None:
    assert "comparison.arms: " in message(changed(SMALLEST, "comparison.arms", arms))


def test_the_primary_contrast_must_be_among_those_that_remain() -> None:
    text = message(changed(SMALLEST, "comparison.arms", ["generated_arch1"]))
    assert "comparison.primary: 'generated_arch2-better_null' is no contrast of the arms" in text
    assert text.count("expected one of: generated_arch1-video_only, real_audio-video_only") == 1
    text = message(changed(SMALLEST, "comparison.primary", "generated_arch2-cnn_rnn"))
    assert "generated_arch2-knn_audio" in text


def test_the_better_null_needs_both_nulls() -> None:
    nulls = ("generated_null", "expected_class_sound")
    primary = "generated_arch2-better_null"
    config_of("generated_arch2", *nulls, primary=primary)
    assert config_of()["comparison"]["primary"] == primary
    with pytest.raises(UserError, match="generated_arch2-better_null' is no contrast"):
        config_of("generated_arch2", nulls[0], primary=primary)
    with pytest.raises(UserError, match="generated_arch1-better_null' is no contrast"):
        config_of("generated_arch1", *nulls, primary="generated_arch1-better_null")


def test_contrasts_of_two_arms_need_both() -> None:
    pairs = contrast_pairs(chosen_of("generated_arch2", "knn_audio").arms)
    assert ("generated_arch2", "knn_audio") in pairs
    assert ("generated_arch2", "video_only_matched") not in pairs
    config_of("generated_arch2", "knn_audio", primary="generated_arch2-knn_audio")


def test_the_recogniser_is_refused_by_name_where_it_cannot_be_compared() -> None:
    config = changed(SMALLEST, "comparison.arms", ["cnn_rnn", "generated_arch2"])
    text = message(changed(config, "cnn_rnn.split", SORTED_TAIL))
    assert "comparison.arms: cnn_rnn cannot be compared under cnn_rnn.split sorted_tail" in text


def test_arms_are_no_ablation() -> None:
    config = changed(SMALLEST, "ablations", {"mine": {"comparison.arms": [["knn_audio"]]}})
    assert "ablations.mine: comparison.arms says which arms there are" in message(config)


def test_architecture_1s_report_names_the_arms_that_it_lacks() -> None:
    check_report_arms("arch1_metrics", config_of())
    further = ("random_filter", "mask_only")
    check_report_arms("arch1_metrics", config_of("oracle_filter", "generated_arch1", *further))
    with pytest.raises(UserError, match=r"add filtered, oracle_filter, random_filter, mask_only"):
        check_report_arms("arch1_metrics", config_of(*CONTROLS))
    check_report_arms("comparison", config_of("video_only"))


@pytest.mark.parametrize(
    ("arms", "mode", "expected"),
    [
        ((), "percentile", "filtered"),
        ((), "uniform", "generated_arch1"),
        (CONTROLS, "percentile", "generated_arch1"),
        (("oracle_filter",), "percentile", "filtered"),
        (("oracle_filter",), "uniform", None),
        (("generated_arch2",), "percentile", None),
    ],
)
def test_a_video_without_sound_is_decided_about_by_an_honest_arm(
    arms: tuple[str, ...], mode: str, expected: str | None
) -> None:
    config = config_of(*arms, filter__mode=mode)
    assert arm_without_sound(config) == expected
    assert expected not in leaking_arms(config["filter"])
    if expected is None:
        with pytest.raises(UserError, match=r"generated_arch1 to comparison\.arms"):
            check_report_arms("predictions", config)
    else:
        check_report_arms("predictions", config)


def test_a_grid_shows_the_chosen_ones_of_the_arms_that_a_setting_reaches() -> None:
    reached = ("generated", "generated_arch1", "generated_pilot", "filtered", "knn_audio")
    assert ablated_arms("g", "folds", reached, config_of()) == reached
    assert ablated_arms("g", "folds", reached, config_of(*CONTROLS)) == reached[:3]
    with pytest.raises(UserError, match=r"ablations\.g: retrieval\.k reaches only knn_audio"):
        ablated_arms("g", "retrieval.k", ("knn_audio",), config_of(*CONTROLS))


# --- the plan -------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The configuration of a project in the working directory."""
    monkeypatch.chdir(tmp_path)
    labels = {f"{label}{i}": label for label in "ab" for i in range(12)}
    return make_config(tmp_path, labels)


def planned(small: dict, *arms: str, **settings: object) -> Run:
    for key in ("arms", "primary"):
        small = changed(small, f"comparison.{key}", config_of(*arms)["comparison"][key])
    for key, value in settings.items():
        small = changed(small, key.replace("__", "."), value)
    return open_run(small)


def test_other_arms_visit_the_comparison_and_nothing_else(small: dict) -> None:
    first, second = planned(small, "knn_audio"), planned(small, "knn_audio", "mean_audio")
    shard = min(first.dataset.shards)
    for name, stage in STAGES.items():
        if name not in ("clips", "truth"):
            part = shard if stage.is_sharded else None
            same = first.planner.job_fingerprint(name, part) == second.planner.job_fingerprint(
                name, part
            )
            assert same == (name not in STEPS), name


def test_the_choice_of_arms_is_in_no_fingerprint_of_a_classifier(small: dict) -> None:
    """So that a classifier whose inputs are unchanged is not trained again."""
    fingerprints = {
        planned(small, *arms).fingerprints.of_artifact("comparison_classifier", "inputs")
        for arms in (["knn_audio"], ["mean_audio"], list(COMPARISON_ARMS))
    }
    assert fingerprints == {
        open_run(small).fingerprints.of_artifact("comparison_classifier", "inputs")
    }


@pytest.mark.parametrize("arm", ["generated_arch1", "distilled"])
def test_the_report_reads_a_scenario_only_where_something_fills_missing_audio(
    small: dict, arm: str
) -> None:
    run = planned(small, arm)
    others = {one for one, _ in run.stages_of_report(run.stages.report("comparison"))} - {run}
    assert bool(others) == (arm == "generated_arch1")


def test_what_a_report_lacks_is_said_when_it_is_planned(small: dict) -> None:
    project = planned(small, "knn_audio", ablations={"g": {"filter.top_labels": [9]}})
    for report in ("arch1_metrics", "predictions"):
        with pytest.raises(UserError, match=r"comparison\.arms"):
            project.report_inputs(report)
    with pytest.raises(UserError, match=r"ablations\.g: filter\.top_labels reaches only filtered"):
        ablation_inputs(project, "g")


def test_a_key_without_default_reads_as_none() -> None:
    assert setting(config_of(), "comparison.arms") is None
    assert setting(config_of("knn_audio"), "comparison.arms") == ["knn_audio"]


def test_a_stage_that_declares_an_unknown_key_is_refused() -> None:
    stages = STAGES | {"probe": replace(STAGES["probe"], settings=("videos.max_second",))}
    with pytest.raises(ValueError, match=r"probe declares the settings \['videos\.max_second'\]"):
        replace(REGISTRY, stages=stages)


def test_the_planner_needs_no_numpy(repository: Path) -> None:
    code = (
        "import sys; import unmuted.pipeline.registry; print({'numpy', 'torch'} & {*sys.modules})"
    )
    scripts = repository / "workflow" / "scripts"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=scripts, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_the_controls_have_the_arms_that_are_asserted(repository: Path, name: str) -> None:
    text = (repository / "config" / f"control_{name}.yaml").read_text(encoding="utf-8")
    chosen = chosen_arms(REGISTRY.check_config(yaml.safe_load(text)))
    assert set(chosen.arms) == {*CONTROLS, "generated_null", "expected_class_sound"}
