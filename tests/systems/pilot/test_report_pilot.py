"""The report of the pilot: its numbers, schema and table; likeness to real audio."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

import write_report as script
from guards.corpus import make_clips, silent
from guards.world import make_world
from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups
from unmuted.evaluation.generated_audio import figures_of, likeness, likeness_difference
from unmuted.evaluation.metrics import mean_cosine, r2
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.evaluation.schema import check_report, write_report
from unmuted.evaluation.table import conclusions, format_report
from unmuted.systems.arch1 import report as arch1_report
from unmuted.systems.pilot import report as pilot_report
from unmuted.systems.pilot.report import build_report, generation_section, lambda_section

SCHEMA = "pilot_metrics.schema.yaml"
SEEDS, CLIPS, CLASSES, STEPS, DIM = 5, 90, 3, 4, 3
LABELS = np.arange(CLIPS) % CLASSES
GROUPS = [f"source{n // 2}" for n in range(CLIPS)]
PROVENANCE = {
    "models": {"vit": {"id": "tiny", "revision": "a/b@abc", "dtype": "float32"}},
    "config_sha256": "0" * 64,
    "versions": {"torch": "2.15"},
    "seeds": list(range(SEEDS)),
}
SELECTION = {
    "validation_clips": 40,
    "lambda": 1.0,
    "candidates": [
        {"lambda": 0.1, "log_loss": 1.2, "accuracy": [0.5] * SEEDS},
        {"lambda": 1.0, "log_loss": 1.1, "accuracy": [0.4, 0.5, 0.6, 0.5, 0.5]},
    ],
    "joint": [],
    "classification": [],
}


@pytest.fixture(scope="module")
def bootstrap() -> GroupBootstrap:
    return draw_groups(GROUPS, 500, 0, seeds=SEEDS)


def audio(noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Generated (S, N, T, A) and real audio (N, T, A); the real audio is always the same."""
    real = np.random.default_rng(99).normal(size=(CLIPS, STEPS, DIM)).astype(np.float32)
    rng = np.random.default_rng(seed)
    return np.float32(real + noise * rng.normal(size=(SEEDS, CLIPS, STEPS, DIM))), real


def outcome(chance: float, seed: int) -> ArmOutcome:
    rng = np.random.default_rng(seed)
    right = rng.random((SEEDS, CLIPS)) < chance
    said = np.where(right, LABELS, (LABELS + 1) % CLASSES)
    words = {"train": "none", "test": "none"}
    return ArmOutcome(np.float32(np.eye(CLASSES)[said]), words, [1] * SEEDS)


def generation(bootstrap: GroupBootstrap, usable: np.ndarray | None = None) -> dict:
    (joint, real), (alone, _) = audio(0.5, 1), audio(0.9, 2)
    usable = np.ones(CLIPS, bool) if usable is None else usable
    section = generation_section(joint, alone, real, usable, bootstrap)
    named = dict.fromkeys(("expected_class_sound", "ridge", "knn"), real / 2)
    return {**section, "served": figures_of(joint, real, usable, LABELS, bootstrap, named)}


def make_report(
    bootstrap: GroupBootstrap, pilot: float = 0.8, alone: float = 0.5, **sections: object
) -> dict:
    made = {"lambda": lambda_section(SELECTION), "generation": generation(bootstrap)}
    return build_report(
        data={
            "classes": ["a", "b", "c"],
            "train": 9,
            "val": 40,
            "test": CLIPS,
            "groups": 50,
            "excluded": {"silent": 1},
            "classes_without_test_clips": [],
        },
        clips=EvaluationClips(LABELS, np.ones(CLIPS, bool), bootstrap),
        arms={"pilot": outcome(pilot, 0), "pilot_classification": outcome(alone, 1)},
        sections={**made, "provenance": PROVENANCE, **sections},
    )


@pytest.fixture(scope="module")
def report(bootstrap: GroupBootstrap) -> dict:
    return make_report(bootstrap)


# --- the report -----------------------------------------------------------------------------------


def test_the_one_contrast_is_the_primary_one_and_the_difference_of_the_arms(report: dict) -> None:
    check_report(report, SCHEMA)
    assert list(report["arms"]) == ["pilot", "pilot_classification"]
    (name,) = report["contrasts"]
    assert name == "pilot-pilot_classification"
    contrast = report["contrasts"][name]
    first, second = (arm["accuracy"]["mean"] for arm in report["arms"].values())
    assert contrast["delta"] == pytest.approx(first - second)
    assert contrast["primary"] and contrast["p"] == contrast["p_adjusted"] < 0.05
    assert report["lambda"]["chosen"] == 1 and report["lambda"]["validation_clips"] == 40


def without(place: dict, *keys: str) -> None:
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda r: r.update(note="hi"), "note"),
        (lambda r: r["arms"].update(generated={}), "arms"),
        (lambda r: without(r, "generation", "alone"), "generation"),
        (lambda r: without(r, "generation", "joint", "r2_ci95"), "generation.joint"),
        (lambda r: without(r, "generation", "difference", "cosine"), "difference"),
        (lambda r: r["lambda"].update(chosen=0), "lambda.chosen"),
        (lambda r: r["lambda"]["candidates"][0]["accuracy"].pop(), "accuracy"),
        (lambda r: without(r, "contrasts", "pilot-pilot_classification", "p"), "contrasts"),
    ],
)
def test_a_report_of_another_shape_is_not_written(
    report: dict, tmp_path: Path, spoil: object, where: str
) -> None:
    spoilt = copy.deepcopy(report)
    spoil(spoilt)
    with pytest.raises(ValueError, match=f"pilot_metrics.schema.yaml at .*{where}"):
        write_report(tmp_path / "report.json", spoilt, SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_no_test_clip_with_sound_gives_nulls_that_schema_and_table_take(
    bootstrap: GroupBootstrap, tmp_path: Path
) -> None:
    nothing = generation(bootstrap, np.zeros(CLIPS, bool))
    assert nothing["difference"] is None
    assert nothing["joint"]["clips"] == 0 and nothing["alone"]["r2_ci95"] is None
    report = make_report(bootstrap, generation=nothing)
    write_report(tmp_path / "report.json", report, SCHEMA)
    text = format_report(report)
    assert "no test clip has usable sound" in text and "trained alone" not in text


def test_the_table_shows_arms_lambdas_and_both_kinds_of_audio(report: dict) -> None:
    lines = format_report(report).splitlines()
    assert all(len(line) <= 105 for line in lines)
    lines = [" ".join(line.split()) for line in lines]  # columns are as wide as they need be
    assert lines[0].startswith("pilot: 3 classes; clips 9 train, 40 val, 90 test, 1 excluded; 5 ")
    text = "\n".join(lines)
    for arm in report["arms"].values():
        assert f"{100 * arm['accuracy']['mean']:.1f}" in text
    (chosen,) = (line for line in lines if line.endswith("chosen"))
    assert chosen.split() == ["1", "1.100", "50.0", "chosen"]
    generation = report["generation"]
    for words, name in (("branches trained together", "joint"), ("trained alone", "alone")):
        (line,) = (line for line in lines if line.startswith(words))
        for measure in ("cosine", "r2"):
            value, (low, high) = (generation[name][f"{measure}{end}"] for end in ("", "_ci95"))
            assert f"{value:.3f} {low:.3f} to {high:.3f}" in line
    (line,) = (line for line in lines if line.startswith("difference"))
    for one in generation["difference"].values():
        assert f"{one['delta']:+.3f} {one['ci95'][0]:+.3f} to {one['ci95'][1]:+.3f}" in line


@pytest.mark.parametrize(
    ("delta", "ci95", "expected"),
    [
        (0.09, [0.07, 0.1], "as well brings the generated audio nearer to the real: R2 +0.090"),
        (-0.09, [-0.1, -0.07], "brings the generated audio farther from the real: R2 -0.090"),
        (0.01, [-0.02, 0.03], "in no shown way: R2 +0.010, interval -0.020 to +0.030"),
    ],
)
def test_what_the_second_branch_does_to_the_audio_is_put_into_words(
    bootstrap: GroupBootstrap, delta: float, ci95: list[float], expected: str
) -> None:
    report = make_report(bootstrap)
    found = report["generation"]["difference"]["r2"]
    found["delta"], found["ci95"] = delta, ci95
    assert expected in " ".join(format_report(report).split())
    few = {**report, "statistics": {**report["statistics"], "test_groups": 5}}
    words = " ".join(format_report(few).split())
    assert "generated audio cannot be shown with 5 groups: R2" in words and expected not in words
    report["generation"]["difference"] = None
    assert "Learning classes" not in format_report(report)


def test_the_conclusion_is_one_sentence_about_the_primary_contrast(
    bootstrap: GroupBootstrap,
) -> None:
    (gain,) = conclusions(make_report(bootstrap))
    assert gain.startswith("Pilot is better than pilot classification by ")
    (loss,) = conclusions(make_report(bootstrap, pilot=0.3, alone=0.8))
    assert loss.startswith("Pilot is worse than pilot classification by ")
    (none,) = conclusions(make_report(bootstrap, pilot=0.5, alone=0.5))
    assert none.startswith("No difference shown between pilot and pilot classification")


# --- likeness -------------------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["all", "some"])
def usable(request: pytest.FixtureRequest) -> np.ndarray:
    return np.arange(CLIPS) % 3 > 0 if request.param else np.ones(CLIPS, bool)


def resampled(bootstrap: GroupBootstrap, usable: np.ndarray, measure) -> np.ndarray:
    """A measure of clips and seed, worked out anew on the clips of each resample."""
    samples = []
    for times, shares in zip(bootstrap.draws, bootstrap.seed_shares, strict=True):
        clips = np.repeat(np.arange(CLIPS), times[bootstrap.group_of_clip])
        by_seed = [measure(seed, clips[usable[clips]]) for seed in range(SEEDS)]
        samples.append(np.dot(by_seed, shares))
    return np.array(samples)


def test_the_interval_of_cosine_agrees_with_drawing_the_clips(
    bootstrap: GroupBootstrap, usable: np.ndarray
) -> None:
    (joint, real), (alone, _) = audio(0.5, 1), audio(0.9, 2)

    def of(made: np.ndarray):
        return resampled(
            bootstrap, usable, lambda s, clips: mean_cosine(made[s, clips], real[clips])
        )

    found = likeness(joint, real, usable, bootstrap)
    first, second = of(joint), of(alone)
    np.testing.assert_allclose(found["cosine_ci95"], np.quantile(first, [0.025, 0.975]))
    difference = likeness_difference(joint, alone, real, usable, bootstrap)["cosine"]
    np.testing.assert_allclose(difference["ci95"], np.quantile(first - second, [0.025, 0.975]))


def test_the_interval_of_r2_agrees_with_drawing_the_clips_about_one_mean(
    bootstrap: GroupBootstrap, usable: np.ndarray
) -> None:
    (joint, real), (alone, _) = audio(0.5, 1), audio(0.9, 2)
    mean = real[usable].mean(axis=(0, 1), dtype=np.float64)

    def of(made: np.ndarray):
        def explained(s: int, clips: np.ndarray) -> float:
            error = ((made[s, clips] - real[clips]) ** 2).sum(dtype=np.float64)
            return 1 - error / ((real[clips] - mean) ** 2).sum()

        return resampled(bootstrap, usable, explained)

    first, second = of(joint), of(alone)
    found = likeness(joint, real, usable, bootstrap)
    np.testing.assert_allclose(found["r2_ci95"], np.quantile(first, [0.025, 0.975]), rtol=1e-5)
    difference = likeness_difference(joint, alone, real, usable, bootstrap)["r2"]
    expected = np.quantile(first - second, [0.025, 0.975])
    np.testing.assert_allclose(difference["ci95"], expected, rtol=1e-5)


def test_likeness_agrees_with_the_metrics_and_so_does_the_difference(
    bootstrap: GroupBootstrap, usable: np.ndarray
) -> None:
    (joint, real), (alone, _) = audio(0.5, 1), audio(0.9, 2)
    found = generation_section(joint, alone, real, usable, bootstrap)
    for name, made in (("joint", joint), ("alone", alone)):
        of_seeds = {
            "cosine": [mean_cosine(one[usable], real[usable]) for one in made],
            "r2": [r2(one[usable], real[usable]) for one in made],
        }
        assert found[name]["clips"] == usable.sum()
        for measure, per_seed in of_seeds.items():
            assert found[name]["per_seed"][measure] == pytest.approx(per_seed)
            assert found[name][measure] == pytest.approx(np.mean(per_seed))
            low, high = found[name][f"{measure}_ci95"]
            assert low < found[name][measure] < high
    for measure, one in found["difference"].items():
        delta = found["joint"][measure] - found["alone"][measure]
        assert one["delta"] == pytest.approx(delta) == pytest.approx(np.mean(one["per_seed"]))
        assert 0 < one["ci95"][0] < one["delta"] < one["ci95"][1]


def test_what_clips_without_sound_hold_does_not_matter(bootstrap: GroupBootstrap) -> None:
    usable = np.arange(CLIPS) % 3 > 0
    (joint, real), (alone, _) = audio(0.5, 1), audio(0.9, 2)
    first = generation_section(joint, alone, real, usable, bootstrap)
    for array in (joint.swapaxes(0, 1), alone.swapaxes(0, 1), real):
        array[~usable] = 77.0
    assert generation_section(joint, alone, real, usable, bootstrap) == first


def test_equal_audio_differs_by_nothing(bootstrap: GroupBootstrap) -> None:
    made, real = audio(0.5)
    found = likeness_difference(made, made, real, np.ones(CLIPS, bool), bootstrap)
    for one in found.values():
        assert one["delta"] == 0 and one["ci95"] == [0, 0]


# --- the scripts that write it --------------------------------------------------------------------

STAGES = (
    *("sources", "projection", "baselines", "lookup_set", "retrieved"),
    *("pilot", "pilot_selection", "pilot_generated"),
)


@pytest.fixture(scope="module", params=[False, True], ids=["sound", "silent"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    """The report over a made corpus, with or without sound of test clips."""
    clips = make_clips()
    if request.param:
        clips = [silent(one) if one.split == "test" else one for one in clips]
    folder = tmp_path_factory.mktemp("report") / "world"
    seeds = range(SEEDS)
    world = make_world(folder, clips, seeds=list(seeds), bootstrap__resamples=200)
    world.run(*STAGES, "pilot_predictions", seeds=seeds)
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setattr(pilot_report, "provenance", lambda *_: PROVENANCE)
        script.main(world.report("pilot_metrics"), metrics=str(folder / "pilot_metrics.json"))
    report = json.loads((folder / "pilot_metrics.json").read_text())
    return {"report": report, "world": world, "is_silent": request.param}


def test_the_script_reports_what_the_stages_say_of_the_test_clips(written: Mapping) -> None:
    report, world = written["report"], written["world"]
    said = world.artifacts("pilot_predictions")
    tested = [clip for clip in world.clips if clip.split == "test" and clip.video_id in said]
    assert report["data"]["test"] == len(tested)
    for arm in ("pilot", "pilot_classification"):
        right = [
            [
                said[clip.video_id].json()["classes"][int(np.argmax(one))] == clip.label
                for one in said[clip.video_id].json()["arms"][arm]
            ]
            for clip in tested
        ]
        found = report["arms"][arm]["accuracy"]["per_seed"]
        assert found == pytest.approx(np.mean(right, axis=0), abs=1e-6)
    choice = world.fits("pilot_selection")["all"].json()
    for arm, chosen in (("pilot", "joint"), ("pilot_classification", "classification")):
        assert report["arms"][arm]["chosen_epochs"] == [one["epoch"] for one in choice[chosen]]
        assert report["arms"][arm]["audio"]["test"] == "none"
    assert "learns to generate the sound" in report["arms"]["pilot"]["audio"]["train"]
    assert report["lambda"]["chosen"] == choice["lambda"]
    heard = sum(clip.tokens is not None for clip in tested)
    assert report["generation"]["joint"]["clips"] == heard == report["generation"]["alone"]["clips"]
    assert (report["generation"]["difference"] is None) == written["is_silent"]
    assert format_report(report)


def test_architecture_1_reports_the_same_intervals(
    bootstrap: GroupBootstrap, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"generated": {"r2": {}}}
    monkeypatch.setattr(arch1_report, "generation_figures", lambda *_: named)
    monkeypatch.setattr(arch1_report, "shift_of", lambda *_: {})
    made, real = audio(0.5)

    class Made:
        def __init__(self, index: int) -> None:
            self.index = index
            self.artifacts = {"video_generated": self}

        def audio(self, _: object) -> np.ndarray:
            return real[self.index]

        def tensors(self) -> dict[str, np.ndarray]:
            return {"audio": made[:, self.index]}

    class Run:
        def __init__(self) -> None:
            self.clips = [Made(index) for index in range(CLIPS)]
            self.usable = np.arange(CLIPS) % 3 > 0
            self.bootstrap = bootstrap

        def probabilities(self, _: str) -> None:
            return None

        def fits(self, _: str) -> dict[str, object]:
            return {"full": self}

        def tensors(self) -> dict[str, np.ndarray]:
            return {"mean": np.zeros(1), "components": np.zeros((1, 1)), "explained": np.zeros(1)}

    run = Run()
    found = arch1_report._generation(run, run)
    assert found.pop("figures") is named["generated"] and found.pop("shift") == {}
    assert found == likeness(made, real, run.usable, bootstrap)
    assert found["r2_ci95"][0] < found["r2"] < found["r2_ci95"][1]
