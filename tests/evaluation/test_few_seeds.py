"""Runs with fewer than five seeds: nothing crashes, and every report calls itself exploratory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import chdir
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import write_ablations
import write_report as script
from guards.corpus import make_clips
from guards.world import World, make_world
from unmuted.evaluation.arms import ARMS
from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups, interval
from unmuted.evaluation.evidence import ENOUGH_SEEDS, exploratory, with_evidence
from unmuted.evaluation.figures.style import sample_size
from unmuted.evaluation.generated_audio import figures_of
from unmuted.evaluation.outcomes import INTERVALS, ArmOutcome, EvaluationClips, statistics
from unmuted.evaluation.schema import check_report, write_report
from unmuted.evaluation.semantics import attention_metrics, summarise_semantics
from unmuted.evaluation.significance import paired_p
from unmuted.evaluation.table import format_report
from unmuted.pipeline.registry import REGISTRY
from unmuted.systems.arch2.report import build_report

CLIPS, CLASSES = 60, 3
LABELS = np.arange(CLIPS) % CLASSES
GROUPS = [f"source{n // 2}" for n in range(CLIPS)]
ONE = "exploratory: 1 seed; intervals and p-values cover the choice of test clips only"
TWO = "exploratory: 2 seeds"
REMARKS = {1: ONE, 2: TWO, 5: None}
REPORTS = {  # and what each writes beside its metrics
    "pilot_metrics": (),
    "cnn_rnn_metrics": (),
    "arch1_metrics": (),
    "comparison": ("table", "masks", "figures"),
}


def provenance(seeds: int) -> dict[str, object]:
    return {
        "models": {"vit": {"id": "tiny", "revision": "a/b@abc", "dtype": "float32"}},
        "config_sha256": "0" * 64,
        "versions": {"torch": "2.15"},
        "seeds": list(range(seeds)),
    }


# --- the remark -----------------------------------------------------------------------------------


def test_fewer_than_five_seeds_are_exploratory() -> None:
    assert ENOUGH_SEEDS == 5
    assert [exploratory(seeds) for seeds in (1, 2)] == [ONE, TWO]
    assert exploratory(4) == "exploratory: 4 seeds"
    assert exploratory(5) is None and exploratory(20) is None


def test_the_remark_stands_right_after_the_system_and_only_where_it_is_needed() -> None:
    report = {"schema_version": 1, "system": "x", "data": {}, "provenance": provenance(5)}
    assert json.dumps(with_evidence(report)) == json.dumps(report)
    found = with_evidence(report | {"provenance": provenance(2)})
    assert list(found) == ["schema_version", "system", "exploratory", "data", "provenance"]
    assert found["exploratory"] == TWO


def test_metrics_that_name_no_system_are_refused_and_lose_no_remark() -> None:
    with pytest.raises(ValueError, match="needs the key `system`"):
        with_evidence({"provenance": {"seeds": [0, 1]}})


def test_captions_of_figures_say_it_too() -> None:
    assert sample_size(60, 30, 2) == "60 test clips from 30 source groups; exploratory: 2 seeds."
    assert sample_size(60, 30, 1).endswith(f"; {ONE}.")
    assert sample_size(60, 30, 5) == "60 test clips from 30 source groups, 5 seeds."


# --- the statistics -------------------------------------------------------------------------------


def test_one_seed_is_in_every_resample() -> None:
    assert (draw_groups(GROUPS, 100, 0, seeds=1).seed_shares == 1).all()


def test_of_two_seeds_each_resample_holds_one() -> None:
    shares = draw_groups(GROUPS, 1000, 0, seeds=2).seed_shares
    assert set(map(tuple, shares)) == {(0, 1), (1, 0)}
    assert shares.mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.05)


def test_the_luck_of_one_seed_is_in_no_interval_that_of_two_is() -> None:
    """Seeds that are right about every clip, or about none: no choice of clips matters."""
    lucky = np.ones((1, CLIPS))
    of_one = interval(draw_groups(GROUPS, 500, 0, seeds=1).means(lucky))
    assert of_one == pytest.approx((1, 1))
    both = np.concatenate([lucky, 0 * lucky])
    of_two = interval(draw_groups(GROUPS, 500, 0, seeds=2).means(both))
    assert of_two == pytest.approx((0, 1))


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_tests_of_few_seeds_find_what_is_there_and_not_what_is_not(seeds: int) -> None:
    bootstrap = draw_groups(GROUPS, 500, 0, seeds=seeds)
    nothing, gain = np.zeros((seeds, CLIPS)), np.ones((seeds, CLIPS))
    assert paired_p(nothing, bootstrap) == 1
    assert paired_p(gain, bootstrap) < 0.05


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_a_report_says_what_its_intervals_hold(seeds: int) -> None:
    text = statistics(draw_groups(GROUPS, 100, 0, seeds=seeds), "none")["intervals"]
    assert (text == INTERVALS) == (seeds > 1)
    assert ("what another training would change" in text) == (seeds == 1)


# --- the reports ----------------------------------------------------------------------------------


def arch2_report(seeds: int) -> dict:
    """A report of architecture 2 over classifiers that are right at random."""
    rng = np.random.default_rng(0)
    words = {"train": "some", "test": "some"}

    def arm() -> ArmOutcome:
        scores = rng.dirichlet(np.ones(CLASSES), size=(seeds, CLIPS))
        return ArmOutcome(np.float32(scores), words, [1] * seeds)

    bootstrap: GroupBootstrap = draw_groups(GROUPS, 200, 0, seeds=seeds)
    empty = ("cosine", "cosine_ci95", "r2", "r2_ci95", "per_seed", "spread_over_draws", "label_map")
    silent, audio = np.zeros(CLIPS, bool), np.zeros((CLIPS, 2, 2), np.float32)
    named = dict.fromkeys(("expected_class_sound", "ridge", "knn"), audio)
    figures = figures_of(np.stack([audio] * seeds), audio, silent, LABELS, bootstrap, named)
    scores = np.zeros((CLIPS, 4))
    attention = attention_metrics(scores, scores, scores, np.ones(4, bool), silent, bootstrap)
    return build_report(
        data={
            "classes": ["a", "b", "c"],
            "train": 9,
            "val": 9,
            "test": CLIPS,
            "groups": 50,
            "excluded": {},
            "classes_without_test_clips": [],
        },
        clips=EvaluationClips(LABELS, np.arange(CLIPS) % 4 > 0, bootstrap),
        arms={name: arm() for name in ARMS},
        generation={"clips": 0, **dict.fromkeys(empty), "figures": figures},
        semantics={**summarise_semantics([], []), "attention": attention},
        provenance=provenance(seeds),
    )


def assert_says(report: Mapping[str, object], seeds: int) -> None:
    """The report and its table carry the remark of so many seeds, or none from five on."""
    table = format_report(report)
    if REMARKS[seeds] is None:
        assert "exploratory" not in report and "xploratory" not in table
        assert table.splitlines()[0].endswith(f"; {seeds} seeds")
    else:
        assert list(report)[2] == "exploratory" and report["exploratory"] == REMARKS[seeds]
        assert table.splitlines()[0].endswith(REMARKS[seeds])
        assert "This run is exploratory: a claim needs at least 5 seeds." in table


@pytest.mark.parametrize("seeds", REMARKS)
def test_architecture_2_says_how_many_seeds_it_had(seeds: int, tmp_path: Path) -> None:
    write_report(tmp_path / "report.json", arch2_report(seeds), "arch2_metrics.schema.yaml")
    assert_says(json.loads((tmp_path / "report.json").read_text()), seeds)


def test_a_list_of_another_length_than_the_seeds_is_refused() -> None:
    report = arch2_report(2)
    report["arms"]["generated"]["chosen_epochs"].append(1)
    with pytest.raises(ValueError, match="chosen_epochs"):
        check_report(report, "arch2_metrics.schema.yaml")


@pytest.fixture(scope="module", params=[1, pytest.param(5, marks=pytest.mark.acceptance)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A whole run; the runs of tests/runs have two seeds."""
    seeds = list(range(request.param))
    made = make_world(
        tmp_path_factory.mktemp("seeds") / "world",
        make_clips(),
        seeds=seeds,
        bootstrap__resamples=200,
        missing__training_rates=[0],
        ablations={"small": {"retrieval.k": [2]}},
    )
    return made.run(seeds=seeds)


@pytest.fixture
def write(world: World, tmp_path: Path) -> Callable[[str], Path]:
    """Writes a report of the world by its name and returns its path."""

    def written(name: str) -> Path:
        module = import_module(REGISTRY.reports[name].module)
        paths = {output: str(tmp_path / output) for output in REPORTS[name]}
        metrics = tmp_path / f"{name}.json"
        with pytest.MonkeyPatch.context() as patch, chdir(world.folder):
            patch.setattr(module, "provenance", lambda *_: provenance(len(world.config["seeds"])))
            script.main(world.report(name), metrics=str(metrics), **paths)
        return metrics

    return written


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_of_a_run_says_how_many_seeds_it_had(
    world: World, write: Callable[[str], Path], name: str
) -> None:
    path, seeds = write(name), len(world.config["seeds"])
    report = json.loads(path.read_text())
    check_report(report, f"{name}.schema.yaml")
    assert_says(report, seeds)
    if "figures" in REPORTS[name]:
        figures = sorted((path.parent / "figures").glob("*.svg"))
        assert figures
        for figure in figures:
            assert ("exploratory:" in figure.read_text()) == (seeds < ENOUGH_SEEDS), figure.name


def test_a_table_of_ablations_has_a_column_for_it_where_it_is_needed(
    world: World, tmp_path: Path
) -> None:
    with chdir(world.folder):
        write_ablations.main(world.project(), "small", str(tmp_path / "small.csv"))
    head, row, *_ = (tmp_path / "small.csv").read_text().splitlines()
    remark = REMARKS[len(world.config["seeds"])]
    if remark is None:
        assert head.endswith(",problem")
    else:
        assert head.endswith(",problem,exploratory") and row.endswith(remark)
