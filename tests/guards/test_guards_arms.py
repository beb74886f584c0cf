"""A few chosen arms: trained alone, and with the same bytes as among all others."""

from __future__ import annotations

import csv
import importlib
import json
import shutil
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import write_report
from guards.corpus import make_clips
from guards.world import SEEDS, STAGES_RUN, World, make_world
from small_project import changed
from unmuted.engine.run import Run
from unmuted.engine.scenarios import changed_setting, scenario_path
from unmuted.errors import UserError
from unmuted.evaluation.arms import COMPARISON_ARMS, Arm
from unmuted.evaluation.schema import check_report
from unmuted.evaluation.table import format_report
from unmuted.systems.comparison import arm_audio
from unmuted.systems.comparison import report as report_module
from unmuted.systems.comparison.chosen_arms import ChosenArms, chosen_arms
from unmuted.systems.comparison.inputs import ArmInputs
from unmuted.training.clip_arrays import Index

TRAINED, CHOSEN = "comparison_classifier", "comparison_selection"
PREDICTED = "comparison_predictions"
HALF = scenario_path(changed_setting("missing.training_rate", 0.5))
CHOICES = {
    "control": ("generated_pilot", "generated_arch1", "generated_arch2"),
    "retrieved": ("knn_audio",),
    "filters": ("oracle_filter", "random_filter", "mask_only"),
    "without sound": ("modality_dropout", "distilled"),
    "no audio": ("video_only_matched", "random_features", "swapped_audio"),
    "systems": ("pilot", "cnn_rnn"),
}


@dataclass(frozen=True)
class Few:
    """A world with a choice of arms in which only the stages ran that these read.

    ran: their names.
    """

    world: World
    chosen: ChosenArms
    ran: tuple[str, ...]


def needed(names: tuple[str, ...], run: Run) -> set[str]:
    """These stages and all that lie upstream of them, under the run's configuration."""
    found: set[str] = set()
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += run.stages[name].upstream
    return found


@pytest.fixture(scope="module", params=CHOICES)
def few(request: pytest.FixtureRequest, folder: Path) -> Few:
    arms = CHOICES[request.param]
    world = make_world(
        folder / f"few {request.param}",
        make_clips(),
        comparison={"arms": list(arms), "primary": f"{arms[0]}-video_only"},
        bootstrap__resamples=200,
    )
    run = world.project()
    chosen = chosen_arms(run.config)
    wanted = needed(run.stages.report("comparison").upstream, run)
    ran = tuple(stage for stage in STAGES_RUN if stage in wanted)
    world.run(*ran)
    if chosen.at_all_rates:
        half = needed((PREDICTED,), run)
        world.scenario(HALF).run(*[stage for stage in STAGES_RUN if stage in half])
    return Few(world, chosen, ran)


def test_only_the_classifiers_of_the_chosen_arms_are_trained(few: Few) -> None:
    if TRAINED not in few.ran:
        assert few.chosen.fits == ()
        return
    for seed in SEEDS:
        assert few.world.fits(TRAINED, seed).keys() == set(few.chosen.fits)
    if few.chosen.at_all_rates:
        trained = few.world.scenario(HALF).fits(TRAINED, 0)
        assert trained.keys() == set(few.chosen.imputing_fits)


def test_stages_of_other_arms_need_not_be_there(few: Few) -> None:
    of_arms = {"retrieved", "pilot_generated", "predicted_labels", "cnn_rnn", "cnn_rnn_predictions"}
    read = {stage for stages in few.chosen.reads.values() for stage in stages}
    for stage in of_arms - read:
        assert stage not in few.ran
        assert not (few.world.folder / "results" / stage).exists()


def test_their_bytes_are_those_of_a_run_with_all_arms(few: Few, clean: World) -> None:
    if TRAINED not in few.ran:
        return
    every, found = clean.contents(TRAINED), few.world.contents(TRAINED)
    assert len(found) == len(SEEDS) * len(few.chosen.fits)
    assert {name: every[name] for name in found} == found
    names = set(few.world.ids("test"))
    full, part = clean.artifacts(PREDICTED), few.world.artifacts(PREDICTED)
    assert full.keys() == part.keys() >= names
    for name in names & part.keys():
        said, of_all = part[name].json(), full[name].json()
        for kind in ("arms", "missing", "kept"):
            expected = {arm: of_all[kind][arm] for arm in said[kind]}
            assert said[kind] == expected, (name, kind)


def test_predictions_have_the_chosen_arms_and_no_other(few: Few) -> None:
    if TRAINED not in few.ran:
        return
    tested = [few.world.artifacts(PREDICTED)[name].json() for name in few.world.ids("test")]
    for said in tested:
        assert set(said["arms"]) == set(few.chosen.compared)
        assert set(said["missing"]) == {f"real_or_{arm}" for arm in few.chosen.imputing_arms}
        assert set(said["kept"]) == {arm for arm in few.chosen.compared if "filter" in arm} | (
            set(few.chosen.filters)
        )
        made = {arm for arm in few.chosen.compared if COMPARISON_ARMS[arm].has_made_audio}
        assert set(said["without_audio"]) == made


def test_the_report_has_the_chosen_arms_and_draws_what_there_is(few: Few, tmp_path: Path) -> None:
    report, figures = written(few.world, tmp_path, SEEDS)
    assert tuple(report["arms"]) == few.chosen.arms
    assert all(
        set(curve) == {"video_only", *few.chosen.imputing_arms}
        for kinds in report["missing"]["accuracy"].values()
        for curve in kinds.values()
    )
    rates = {"0", "0.5"} if few.chosen.at_all_rates else {"0"}
    assert report["missing"]["accuracy"].keys() == rates
    assert set(report["filter"]) == set(few.chosen.filters)
    assert ("filter_threshold" in figures) == ("filtered" in few.chosen.arms)
    shown = {name.removeprefix("confusion_") for name in figures if "confusion" in name}
    assert shown == {"video_only", "generated_arch2", "filtered", "real_audio"} & set(
        few.chosen.arms
    )
    assert ("lambda of the pilot" in report["statistics"]["choices"]) == (
        not {"pilot", "generated_pilot"}.isdisjoint(few.chosen.arms)
    )
    assert format_report(report)


def written(world: World, folder: Path, seeds: tuple[int, ...]) -> tuple[dict, set[str]]:
    """The comparison of a world, and the names of its figures."""
    paths = {name: str(folder / name) for name in ("table", "masks", "figures")}
    metrics = folder / "comparison.json"
    with pytest.MonkeyPatch.context() as patch, chdir(world.folder):
        # Which figures there are; what they show is tested with them, and takes seconds.
        patch.setattr(Figure, "savefig", lambda _, path, **__: Path(path).touch())
        patch.setattr(report_module, "provenance", lambda *_: PROVENANCE | {"seeds": list(seeds)})
        write_report.main(world.report("comparison"), metrics=str(metrics), **paths)
    report = json.loads(metrics.read_text())
    check_report(report, "comparison.schema.yaml")
    return report, {path.stem for path in (folder / "figures").iterdir()}


PROVENANCE = {
    "models": {"vit": {"id": "tiny", "revision": "a/b@abc", "dtype": "float32"}},
    "config_sha256": "0" * 64,
    "versions": {"torch": "2.15"},
}


# --- other choices later --------------------------------------------------------------------------


def chosen_later(world: World, *arms: str) -> World:
    """A copy of a world whose arms were chosen anew, and which ran the comparison again."""
    config = changed(world.config, "comparison", {"arms": list(arms), "primary": PRIMARY})
    return replace(world.copy(), config=config).run(TRAINED, CHOSEN, PREDICTED)


PRIMARY = "knn_audio-video_only"


def test_arms_that_come_and_go_leave_the_other_classifiers_as_they_were(clean: World) -> None:
    fewer = chosen_later(clean, "knn_audio", "filtered")
    more = chosen_later(fewer, "knn_audio", "mean_audio", "oracle_filter")
    before, some, after = (world.fits(TRAINED, 0) for world in (clean, fewer, more))
    assert some.keys() == {
        *("knn_audio", "filtered-30", "filtered-60"),
        *("real_or_knn_audio", "real_or_filtered-30", "real_or_filtered-60"),
    }
    assert after.keys() - some.keys() == {"mean_audio", "real_or_mean_audio"}
    for name in some:  # with the seconds that it once took: none was trained again
        assert before[name].row == some[name].row == after[name].row
    name = fewer.ids("test")[0]
    said = [world.artifacts(PREDICTED)[name].json()["arms"] for world in (fewer, more)]
    assert [set(arms) for arms in said] == [
        {"knn_audio", "filtered"},
        {"knn_audio", "filtered", "mean_audio", "oracle_filter"},
    ]


def test_an_arm_without_a_classifier_of_its_own_is_predicted_when_it_comes(clean: World) -> None:
    without = chosen_later(clean, "knn_audio", "filtered")
    oracle = chosen_later(without, "knn_audio", "oracle_filter")
    name = without.ids("test")[0]
    said = [world.artifacts(PREDICTED)[name].json() for world in (without, oracle)]
    assert ["oracle_filter" in one["arms"] for one in said] == [False, True]
    assert ["oracle_filter" in one["kept"] for one in said] == [False, True]
    choices = [world.contents(CHOSEN) for world in (without, oracle)]
    assert choices[0] == choices[1]


# --- a new arm ------------------------------------------------------------------------------------


def test_a_new_arm_is_one_row_and_one_function(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quiet(inputs: ArmInputs, fit: str, clips: Index, seed_index: int) -> np.ndarray:
        return inputs.stored["retrieved"][clips] / 2

    row = Arm(
        "quiet_knn",
        "half as loud in training",
        "half as loud in the test",
        audio="quiet",
        stages=("retrieved",),
        imputes=True,
        contrasts=("knn_audio",),
        missing_contrasts=("knn_audio",),
    )
    monkeypatch.setitem(COMPARISON_ARMS, row.name, row)
    monkeypatch.setattr(arm_audio, "quiet", quiet, raising=False)
    arms = {"arms": ["knn_audio", "mean_audio", row.name], "primary": "quiet_knn-knn_audio"}
    world = make_world(folder / "new", make_clips(), comparison=arms, missing__training_rates=[0])
    world.run()
    for seed in SEEDS:
        fits = {name: one.row.digest for name, one in world.fits(TRAINED, seed).items()}
        assert len(set(fits.values())) == len(fits) == 6  # no two classifiers are the same
        assert {"quiet_knn", "real_or_quiet_knn"} < fits.keys()
    report, _ = written(world, tmp_path, SEEDS)
    assert list(report["arms"])[-1] == row.name
    found = report["arms"][row.name]
    assert (found["role"], found["audio"]) == ("arm", {"train": row.train, "test": row.test})
    pairs = {pair for pair in report["contrasts"] if row.name in pair}
    assert pairs == {"quiet_knn-video_only", "quiet_knn-knn_audio"}
    pairs = {pair for pair in report["missing"]["contrasts"]["0"] if row.name in pair}
    assert pairs == {f"quiet_knn-{name}" for name in ("video_only", "mean_audio", "knn_audio")}


# --- other reports --------------------------------------------------------------------------------


def with_wav(world: World) -> World:
    """The world with ledgers of the sound, which is not part of it."""
    with chdir(world.folder):
        project = world.project()
        for shard in project.dataset.shards:
            ledger = project.layout.ledger("wav", shard)
            ledger.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(project.layout.ledger("ast", shard), ledger)
    return world


def predicted(world: World, table: Path) -> list[dict[str, str]]:
    with chdir(world.folder):
        write_report.main(world.report("predictions"), table=str(table))
    with open(table, newline="") as file:
        return list(csv.DictReader(file))


def test_without_the_filter_videos_without_sound_get_unfiltered_audio(
    clean: World, tmp_path: Path
) -> None:
    chosen = ("knn_audio", "generated_arch1", "generated_arch2")
    rows = predicted(with_wav(chosen_later(clean, *chosen)), tmp_path / "few.csv")
    by_sound = {row["audio"] for row in rows}
    assert by_sound == {"real", "generated"}
    assert {row["filter"] for row in rows if row["audio"] == "generated"} == {"none"}
    every = predicted(with_wav(clean.copy()), tmp_path / "all.csv")
    real = [[row for row in found if row["audio"] == "real"] for found in (rows, every)]
    assert real[0] == real[1]


@pytest.mark.parametrize(
    ("name", "arguments", "missing"),
    [
        ("predictions", {"table": "x.csv"}, "add filtered or generated_arch1"),
        (
            *("arch1_metrics", {"metrics": "x.json"}),
            "add generated_arch1, filtered, oracle_filter, random_filter, mask_only",
        ),
    ],
)
def test_a_report_without_its_arms_names_the_setting(
    clean: World, name: str, arguments: dict[str, str], missing: str
) -> None:
    world = chosen_later(clean, "knn_audio")
    with chdir(world.folder):
        with pytest.raises(UserError, match=rf"{missing} to comparison\.arms"):
            write_report.main(world.report(name), **arguments)
        assert not list(Path.cwd().glob("x.*"))


def test_a_grid_of_ablations_shows_the_chosen_arms(folder: Path, tmp_path: Path) -> None:
    world = make_world(
        folder / "grid",
        make_clips(),
        comparison={"arms": ["generated_arch1", "knn_audio"], "primary": PRIMARY},
        ablations={"g": {"video_generator.steps": [3], "folds": [2]}},
    ).run()
    with chdir(world.folder):
        importlib.import_module("write_ablations").main(
            world.project(), "g", str(tmp_path / "g.csv")
        )
    with open(tmp_path / "g.csv", newline="") as file:
        rows = [(row["setting"], row["arm"]) for row in csv.DictReader(file)]
    assert rows == [
        ("video_generator.steps", "generated_arch1"),
        *(("folds", arm) for arm in ("generated", "generated_arch1", "knn_audio")),
    ]
