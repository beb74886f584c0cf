"""The report of architecture 2: its numbers, its schema, its file and its table."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from unmuted.evaluation.arms import ARMS
from unmuted.evaluation.bootstrap import GroupBootstrap, draw_groups, interval
from unmuted.evaluation.generated_audio import figures_of, generation_metrics
from unmuted.evaluation.metrics import (
    f1_counts,
    macro_f1,
    macro_f1_from_counts,
    mean_cosine,
    r2,
)
from unmuted.evaluation.outcomes import ArmOutcome, EvaluationClips
from unmuted.evaluation.schema import write_report
from unmuted.evaluation.semantics import attention_metrics, summarise_semantics
from unmuted.evaluation.table import conclusions, format_report
from unmuted.systems.arch2.report import build_report

SCHEMA = "arch2_metrics.schema.yaml"
SEEDS, CLIPS, CLASSES = 5, 120, 4
LABELS = np.arange(CLIPS) % CLASSES
GROUPS = [f"source{i // 2}" for i in range(CLIPS)]


@pytest.fixture(scope="module")
def bootstrap() -> GroupBootstrap:
    return draw_groups(GROUPS, 1000, 0, seeds=5)


def outcome(accuracy: float, seed: int) -> ArmOutcome:
    """An arm whose classifiers are right with this chance."""
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(CLASSES), size=(SEEDS, CLIPS))
    right = rng.random((SEEDS, CLIPS)) < accuracy
    best = np.where(right, LABELS, (LABELS + 1) % CLASSES)
    scores += 2 * np.eye(CLASSES)[best]
    probabilities = (scores / scores.sum(axis=2, keepdims=True)).astype(np.float32)
    return ArmOutcome(probabilities, {"train": "some", "test": "some"}, [10, 20, 20, 30, 40])


def generation(bootstrap: GroupBootstrap, usable: np.ndarray | None = None) -> dict:
    rng = np.random.default_rng(9)
    real = rng.normal(size=(CLIPS, 3, 6)).astype(np.float32)
    generated = (real + rng.normal(size=(SEEDS, CLIPS, 3, 6))).astype(np.float32) / 2
    usable = np.ones(CLIPS, bool) if usable is None else usable
    named = dict.fromkeys(("expected_class_sound", "ridge", "knn"), real / 2)
    figures = figures_of(generated, real, usable, LABELS, bootstrap, named)
    metrics = generation_metrics(
        generated,
        real,
        usable,
        np.full((SEEDS, CLIPS), 0.5, np.float32),
        rng.normal(size=(8, 6)).astype(np.float32),
        rng.random((CLIPS, 8)).astype(np.float32),
        bootstrap,
    )
    return {**metrics, "figures": figures}


def caption(label: str, similarity: float, attended: str) -> dict:
    """A caption as the stage `trained_mapping` has it."""
    return {
        "labels": [{"label": attended, "attention": 0.5}],
        "frozen": [{"label": label, "similarity": similarity}],
    }


def semantics(bootstrap: GroupBootstrap) -> dict:
    rng = np.random.default_rng(4)
    tables = rng.random((3, CLIPS, 8))
    found = summarise_semantics(
        [["a red bell"], ["a red bell", "a drum"]],
        [
            [caption("Bell", 0.5, "Ding")],
            [caption("Bell", 0.5, "Ding"), caption("Drum", 0.8, "Drum")],
        ],
    )
    usable = np.ones(CLIPS, bool)
    attention = attention_metrics(*tables, np.ones(8, bool), usable, bootstrap)
    return {**found, "attention": attention}


def make_report(bootstrap: GroupBootstrap, video=0.4, generated=0.5, real=0.8, **changes) -> dict:
    nulls = {"generated_null": video, "expected_class_sound": video}
    arms = {"video_only": video, "generated": generated, "real_audio": real, **nulls}
    inputs = {
        "data": {
            "classes": ["clap", "drum", "pour", "ring"],
            "train": 300,
            "val": 60,
            "test": CLIPS,
            "groups": 240,
            "excluded": {"no_frames": 2},
            "classes_without_test_clips": [],
        },
        "clips": EvaluationClips(LABELS, np.ones(CLIPS, bool), bootstrap),
        "arms": {name: outcome(chance, i) for i, (name, chance) in enumerate(arms.items())},
        "generation": generation(bootstrap),
        "semantics": semantics(bootstrap),
        "provenance": {
            "models": {"vit": {"id": "tiny", "revision": "a/b@abc", "dtype": "float32"}},
            "config_sha256": "0" * 64,
            "versions": {"torch": "2.15"},
            "seeds": [0, 1, 2, 3, 4],
        },
    }
    return build_report(**{**inputs, **changes})


@pytest.fixture(scope="module")
def report(bootstrap: GroupBootstrap) -> dict:
    return make_report(bootstrap)


def test_arms_agree_with_the_metrics(report: dict) -> None:
    arm = outcome(0.4, 0)
    predicted = arm.probabilities.argmax(axis=2)
    shares = [(one == LABELS).mean() for one in predicted]
    found = report["arms"]["video_only"]
    assert found["accuracy"]["per_seed"] == pytest.approx(shares)
    assert found["accuracy"]["mean"] == pytest.approx(np.mean(shares))
    f1 = [macro_f1(LABELS, one, CLASSES) for one in predicted]
    assert found["macro_f1"]["per_seed"] == pytest.approx(f1)
    for name in ("accuracy", "macro_f1"):
        low, high = found[name]["ci95"]
        assert low < found[name]["mean"] < high
        assert 0.02 < high - low < 0.2


def test_macro_f1_interval_agrees_with_drawing_the_clips(
    report: dict, bootstrap: GroupBootstrap
) -> None:
    predicted = outcome(0.4, 0).probabilities.argmax(axis=2)
    samples = []
    for times, shares in zip(bootstrap.draws, bootstrap.seed_shares, strict=True):
        clips = np.repeat(np.arange(CLIPS), times[bootstrap.group_of_clip])
        f1 = [macro_f1(LABELS[clips], one[clips], CLASSES) for one in predicted]
        samples.append(np.dot(f1, shares))
    expected = np.quantile(samples, [0.025, 0.975])
    np.testing.assert_allclose(report["arms"]["video_only"]["macro_f1"]["ci95"], expected)


def test_contrasts_are_differences_of_the_arms(report: dict) -> None:
    for name, contrast in report["contrasts"].items():
        names = name.replace("better_null", contrast.get("null", "")).split("-")
        first, second = (report["arms"][arm]["accuracy"] for arm in names)
        assert contrast["delta"] == pytest.approx(first["mean"] - second["mean"])
        per_seed = np.subtract(first["per_seed"], second["per_seed"])
        assert contrast["per_seed"] == pytest.approx(per_seed.tolist())
        low, high = contrast["ci95"]
        assert low < contrast["delta"] < high
    primary = report["contrasts"]["generated-better_null"]
    assert primary["primary"] and primary["p_adjusted"] == primary["p"]
    assert all(one["p_adjusted"] >= one["p"] > 0 for one in report["contrasts"].values())
    assert report["statistics"]["smallest_p"] == pytest.approx(2 / 1001)
    assert not report["contrasts"]["real_audio-video_only"]["primary"]


def test_recovery_is_the_share_of_the_gain(report: dict) -> None:
    gains = {name: contrast["delta"] for name, contrast in report["contrasts"].items()}
    expected = gains["generated-video_only"] / gains["real_audio-video_only"]
    assert report["recovery"]["value"] == pytest.approx(expected)
    low, high = report["recovery"]["ci95"]
    assert low < expected < high


@pytest.mark.parametrize("real", [0.4, 0.1])
def test_recovery_is_undefined_without_a_gain(bootstrap: GroupBootstrap, real: float) -> None:
    assert make_report(bootstrap, real=real)["recovery"] == "undefined"


def test_identical_arms_differ_by_nothing(bootstrap: GroupBootstrap) -> None:
    arms = dict.fromkeys(ARMS, outcome(0.5, 0))
    contrast = make_report(bootstrap, arms=arms)["contrasts"]["generated-video_only"]
    assert contrast["delta"] == 0
    assert contrast["ci95"] == [0, 0]


def test_arms_of_different_seeds_are_refused(bootstrap: GroupBootstrap) -> None:
    all_seeds = outcome(0.5, 0)
    few = ArmOutcome(all_seeds.probabilities[:4], all_seeds.audio, all_seeds.epochs[:4])
    arms = {**dict.fromkeys(ARMS, all_seeds), "video_only": few}
    with pytest.raises(ValueError, match="probabilities of one shape"):
        make_report(bootstrap, arms=arms)


def test_generation_agrees_with_the_metrics_over_clips_with_sound(
    bootstrap: GroupBootstrap,
) -> None:
    usable = np.arange(CLIPS) % 3 > 0
    found = generation(bootstrap, usable)
    rng = np.random.default_rng(9)
    real = rng.normal(size=(CLIPS, 3, 6)).astype(np.float32)
    generated = (real + rng.normal(size=(SEEDS, CLIPS, 3, 6))).astype(np.float32) / 2
    assert found["clips"] == 80
    assert found["r2"] == pytest.approx(np.mean([r2(g[usable], real[usable]) for g in generated]))
    cosines = [mean_cosine(g[usable], real[usable]) for g in generated]
    assert found["per_seed"]["cosine"] == pytest.approx(cosines)
    for name in ("r2", "cosine"):
        low, high = found[f"{name}_ci95"]
        assert low < found[name] < high
    assert found["spread_over_draws"] == pytest.approx(0.5, rel=0.05)
    assert found["label_map"]["labels"] == 8


def test_what_clips_without_sound_hold_does_not_matter(bootstrap: GroupBootstrap) -> None:
    usable = np.arange(CLIPS) % 3 > 0
    rng = np.random.default_rng(0)
    real = rng.normal(size=(CLIPS, 3, 6)).astype(np.float32)
    generated = rng.normal(size=(SEEDS, CLIPS, 3, 6)).astype(np.float32)
    spread, scores = np.ones((SEEDS, CLIPS)), rng.random((CLIPS, 8))
    prototypes = rng.normal(size=(8, 6))
    first = generation_metrics(generated, real, usable, spread, prototypes, scores, bootstrap)
    real[~usable], generated[:, ~usable], scores[~usable] = 99.0, -5.0, 1.0
    second = generation_metrics(generated, real, usable, spread, prototypes, scores, bootstrap)
    assert first == second


def test_real_audio_is_the_ceiling_of_label_map(bootstrap: GroupBootstrap) -> None:
    """Each clip holds one label's prototype; perfect audio ranks perfectly, noise at chance."""
    rng = np.random.default_rng(0)
    prototypes = np.eye(4, 6)
    real = np.repeat(prototypes[LABELS][:, None], 3, axis=1)
    noise = rng.normal(size=(SEEDS, CLIPS, 3, 6))
    usable, spread = np.ones(CLIPS, bool), np.zeros((SEEDS, CLIPS))
    scores = np.eye(4)[LABELS]
    found = generation_metrics(noise, real, usable, spread, prototypes, scores, bootstrap)
    assert found["label_map"]["real"] == 1
    assert found["label_map"]["chance"] == 0.25
    assert found["label_map"]["generated"] == pytest.approx(0.25, abs=0.08)


def test_no_test_clip_with_sound_gives_nulls_that_the_schema_takes(
    bootstrap: GroupBootstrap, tmp_path: Path
) -> None:
    nothing = generation(bootstrap, np.zeros(CLIPS, bool))
    assert nothing["clips"] == 0
    assert nothing["r2"] is None
    report = make_report(bootstrap, generation=nothing)
    write_report(tmp_path / "report.json", report, SCHEMA)
    assert "no test clip has usable sound" in format_report(report)


def test_one_draw_of_the_noise_has_no_spread(bootstrap: GroupBootstrap) -> None:
    rng = np.random.default_rng(0)
    real = rng.normal(size=(CLIPS, 3, 6)).astype(np.float32)
    spread = np.full((SEEDS, CLIPS), np.nan, np.float32)
    made, usable = np.stack([real] * SEEDS), np.ones(CLIPS, bool)
    scores, prototypes = np.zeros((CLIPS, 8)), np.eye(8, 6)
    found = generation_metrics(made, real, usable, spread, prototypes, scores, bootstrap)
    assert found["spread_over_draws"] is None


@pytest.mark.parametrize("detectable", [0.0, None])
def test_arms_that_never_differ_are_not_said_to_detect_everything(
    bootstrap: GroupBootstrap, detectable: float | None, tmp_path: Path
) -> None:
    same = dict.fromkeys(ARMS, outcome(0.5, 0))
    report = make_report(bootstrap, arms=same)
    for contrast in report["contrasts"].values():
        assert contrast["ci95"] == [0, 0] and not contrast["smallest_detectable"]
        contrast["smallest_detectable"] = detectable
    write_report(tmp_path / "report.json", report, SCHEMA)
    text = " ".join(format_report(report).split())
    assert "4 times in 5" not in text
    assert "Generated and video only are right equally often in every resample" in text
    assert "+0.0 to +0.0 none p 1.000, primary" in text


def test_semantics_are_counted() -> None:
    found = summarise_semantics(
        [["a bell"], ["a bell", "a drum"]],
        [
            [caption("Bell", 0.5, "Ding")],
            [caption("Bell", 0.5, "Ding"), caption("Drum", 0.8, "Bell")],
        ],
    )
    assert found == {
        "captions": 3,
        "distinct_captions": 2,
        "representative_frames_per_video": 1.5,
        "mean_similarity_of_nearest_label": pytest.approx(0.6),
        "attended_labels": [{"label": "Ding", "captions": 2}, {"label": "Bell", "captions": 1}],
        "nearest_labels": [{"label": "Bell", "captions": 2}, {"label": "Drum", "captions": 1}],
    }


def test_the_file_is_checked_whole_and_repeatable(report: dict, tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "a.json", tmp_path / "b.json"
    write_report(first, report, SCHEMA)
    write_report(second, copy.deepcopy(report), SCHEMA)
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in first.parent.iterdir()] == ["a.json"]
    read = json.loads(first.read_text())
    assert read["system"] == "arch2"
    assert list(read) == list(report)


def without(report: dict, *path: str) -> None:
    for key in path[:-1]:
        report = report[key]
    del report[path[-1]]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda r: r.update(note="hi"), r"\$"),
        (lambda r: without(r, "arms", "generated", "audio"), r"\$.arms.generated"),
        (lambda r: r["arms"].update(oracle={}), r"\$.arms"),
        (lambda r: r["arms"]["generated"]["accuracy"].update(mean=1.2), "accuracy.mean"),
        (lambda r: r["arms"]["generated"]["accuracy"]["per_seed"].pop(), "per_seed"),
        (lambda r: r.update(recovery="none"), "recovery"),
        (lambda r: r["provenance"].update(config_sha256="abc"), "config_sha256"),
        (lambda r: r["data"]["excluded"].update(silent=-1), "excluded.silent"),
        (lambda r: r["contrasts"]["generated-video_only"].update(ci95=[0.1]), "ci95"),
    ],
)
def test_a_report_of_another_shape_is_not_written(
    report: dict, tmp_path: Path, spoil: object, where: str
) -> None:
    spoilt = copy.deepcopy(report)
    spoil(spoilt)
    path = tmp_path / "report.json"
    with pytest.raises(ValueError, match=rf"departs from arch2_metrics.schema.yaml at .*{where}"):
        write_report(path, spoilt, SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_not_a_number_is_not_written(report: dict, tmp_path: Path) -> None:
    spoilt = copy.deepcopy(report)
    spoilt["generation"]["r2"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        write_report(tmp_path / "report.json", spoilt, SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_the_table_shows_every_arm_and_contrast(report: dict) -> None:
    table = format_report(report)
    for name, arm in report["arms"].items():
        line = next(line for line in table.splitlines() if line.startswith(name))
        low, high = (f"{100 * x:.1f}" for x in arm["accuracy"]["ci95"])
        assert f"{100 * arm['accuracy']['mean']:.1f}" in line
        assert f"{low} to {high}" in line
    assert "5 seeds" in table
    assert all(len(line) <= 110 for line in table.splitlines())


def test_the_conclusions_say_what_the_p_values_say(bootstrap: GroupBootstrap) -> None:
    gain = conclusions(make_report(bootstrap, video=0.3, generated=0.6, real=0.9))
    assert gain[0].startswith("Generated is better than the better null (")
    assert gain[-3].startswith("Generated is better than video only by ")
    assert gain[-2].startswith("Real audio is better than video only by ")
    assert "recovers" in gain[-1]
    loss = conclusions(make_report(bootstrap, video=0.6, generated=0.3, real=0.6))
    assert loss[-3].startswith("Generated is worse than video only by ")
    assert loss[-2].startswith("No difference shown between real audio and video only")
    assert "4 times in 5" in loss[-2]
    assert loss[-1].startswith("Recovery is undefined")


def test_macro_f1_interval_is_not_pulled_down_by_the_draws() -> None:
    """Ten classes of three groups each: a third of draws from all groups would lose some class."""
    rng = np.random.default_rng(0)
    groups = [f"g{i // 3}" for i in range(90)]
    labels = np.repeat(np.arange(10), 9)
    below = above = 0
    for trial in range(200):
        predicted = np.where(rng.random(90) < 0.55, labels, rng.integers(10, size=90))
        counts = f1_counts(labels, predicted, 10)
        draw = draw_groups(groups, 300, trial, labels=labels)
        low, high = interval(macro_f1_from_counts(draw.sums(counts)))
        below += high < 0.588
        above += low > 0.588
    assert below + above <= 24 and below <= 2.5 * above + 8
