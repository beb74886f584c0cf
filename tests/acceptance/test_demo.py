"""The embedded demo: its main job as `make demo` runs it, and the comparison with two seeds."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runs.corpus import COMPARED, METRICS, REPOSITORY
from unmuted.engine.artifacts import read_json
from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.evaluation.controls import OF_FILTER
from unmuted.evaluation.schema import check_report

pytestmark = pytest.mark.acceptance


def run_demo(
    folder: Path, *arguments: str, few_seeds: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake over the demo; arguments: targets, then options.

    few_seeds: two, fewer than a claim needs, and all training clips with their audio.
    """
    config = [str(REPOSITORY / "config" / "config.yaml")]
    if few_seeds:
        (folder / "few.yaml").write_text("seeds: [0, 1]\nmissing: {training_rates: [0]}\n")
        config.append(str(folder / "few.yaml"))
    command = [sys.executable, "-m", "snakemake", *(arguments or (METRICS,)), "--cores", "all"]
    command += ["--directory", str(folder), "--configfile", *config]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run_demo(folder)
    return folder


@pytest.fixture(scope="module")
def metrics(demo: Path) -> dict:
    return json.loads((demo / "results" / "arch2_metrics.json").read_text())


def test_metrics_are_whole(metrics: dict) -> None:
    check_report(metrics, "arch2_metrics.schema.yaml")
    assert len(metrics["data"]["classes"]) >= 8
    data = metrics["data"]
    assert data["train"] < data["test"] and data["train"] < data["excluded"]["no_label"]
    assert len(metrics["provenance"]["seeds"]) >= 5


def test_real_sound_helps(metrics: dict) -> None:
    contrast = metrics["contrasts"]["real_audio-video_only"]
    assert contrast["delta"] >= 0.10
    assert contrast["ci95"][0] > 0


def test_the_demo_leaves_more_room_than_it_can_detect(metrics: dict) -> None:
    room = metrics["headroom"]
    assert room["can_answer"] and room["points"] > room["smallest_detectable"]
    assert metrics["arms"]["video_only"]["accuracy"]["mean"] == room["video_only"]


def test_generated_audio_helps(metrics: dict) -> None:
    """Points, not intervals: on other CPUs other features give a few clips more or less."""
    assert metrics["contrasts"]["generated-better_null"]["delta"] > 0.03
    assert metrics["contrasts"]["generated-video_only"]["delta"] > 0.04


def test_generated_audio_knows_more_than_the_scene(metrics: dict) -> None:
    figures = metrics["generation"]["figures"]
    assert figures["baselines"]["scene_mean"]["r2"]["difference"]["ci95"][0] > 0
    assert figures["r2_over_time"]["value"] > 0.45
    assert figures["r2_within_class"]["value"] > 0


def test_attention_lies_on_heard_labels_that_fit_the_clip(metrics: dict) -> None:
    attention = metrics["semantics"]["attention"]
    assert attention["share_on_heard_labels"] >= 0.8
    assert attention["difference_ci95"][0] > 0


def test_truth_is_saved_beside_every_clip(demo: Path) -> None:
    clips = {path.stem for path in (demo / "results" / "clips").rglob("*.mp4")}
    truths = {path.stem: path for path in (demo / "results" / "truth").rglob("*.json")}
    assert clips == truths.keys()
    truth = read_json(next(iter(truths.values())))
    wanted = {"caption", "sounding_object", "event_times", "audio_labels", "masks"}
    assert wanted <= truth.keys()


def test_nothing_failed(demo: Path, metrics: dict) -> None:
    assert metrics["data"]["excluded"].keys() == {"no_label"}
    for ledger in (demo / "results" / "frames").glob("*.ledger.csv"):
        statuses = {line.split(",")[1] for line in ledger.read_text().splitlines()[1:]}
        assert statuses == {"ok"}


def test_second_run_has_nothing_to_do(demo: Path) -> None:
    assert "Nothing to be done" in run_demo(demo).stderr


def test_snakemake_s_report_opens_and_holds_the_metrics(demo: Path, tmp_path: Path) -> None:
    run_demo(demo, METRICS, "--report", str(tmp_path / "report.zip"))
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        assert archive.testzip() is None
        pages = [name for name in archive.namelist() if name.endswith("report.html")]
        assert len(pages) == 1
        page = archive.read(pages[0]).decode()
        assert "Metrics" in page and "arch2_metrics.json" in page
        (copy,) = [n for n in archive.namelist() if n.endswith("arch2_metrics.json")]
        assert archive.read(copy) == (demo / METRICS).read_bytes()


@pytest.mark.parametrize("option", ["--dag", "--rulegraph"])
def test_the_graph_of_the_main_job_can_be_drawn(demo: Path, option: str) -> None:
    graph = run_demo(demo, METRICS, option).stdout
    assert graph.startswith("digraph snakemake_dag {") and graph.rstrip().endswith("}")
    for rule in ("extract_vit", "train_generator", "write_report"):
        assert f'label = "{rule}' in graph
    assert "->" in graph
    if dot := shutil.which("dot"):
        drawn = subprocess.run([dot, "-Tsvg"], input=graph, capture_output=True, text=True)
        assert drawn.returncode == 0 and "</svg>" in drawn.stdout


def test_table_for_the_terminal(demo: Path, metrics: dict) -> None:
    script = REPOSITORY / "workflow" / "scripts" / "show_metrics.py"
    path = demo / "results" / "arch2_metrics.json"
    shown = subprocess.run(
        [sys.executable, str(script), str(path)], capture_output=True, text=True, check=True
    ).stdout
    for arm, values in metrics["arms"].items():
        line = next(line for line in shown.splitlines() if line.split()[:1] == [arm])
        assert f"{100 * values['accuracy']['mean']:.1f}" in line
    assert shown.rstrip().endswith(str(path))


@pytest.fixture(scope="module")
def compared(demo: Path) -> Path:
    run_demo(demo, *COMPARED, few_seeds=True)
    return demo


def test_the_comparison_has_every_arm_on_the_same_clips(compared: Path, metrics: dict) -> None:
    report = json.loads((compared / "results" / "comparison.json").read_text())
    check_report(report, "comparison.schema.yaml")
    assert report["data"] == metrics["data"]
    assert report["arms"].keys() == COMPARISON_ARMS.keys()
    for ours, theirs in (("generated_arch2", "generated"), ("real_audio", "real_audio")):
        found, known = (
            r["arms"][a]["accuracy"]["per_seed"] for r, a in ((report, ours), (metrics, theirs))
        )
        assert found == known[:2]  # taken over from the fits of five seeds
    assert report["exploratory"].startswith("exploratory: 2 seeds")
    roles = {name: arm["role"] for name, arm in report["arms"].items()}
    assert roles["oracle_filter"] == "leaks" and roles["swapped_audio"] == "control"
    controls = {name for name, role in roles.items() if role == "control"}
    for name in controls - {*OF_FILTER}:  # those of the filter may win where generated audio helps
        low, _ = report["contrasts"][f"{name}-video_only"]["ci95"]
        assert low < 0, f"the control {name} wins"


def test_accuracy_falls_as_sound_goes_missing(compared: Path) -> None:
    missing = json.loads((compared / "results" / "comparison.json").read_text())["missing"]
    for kinds in missing["accuracy"].values():
        assert kinds.keys() == {"no_stream", "silence", "noise", "swapped"}
        for arms in kinds.values():
            assert arms["mean_audio"]["own"]["mean"] > arms["mean_audio"]["missing"]["mean"] + 0.1
            assert arms["video_only"]["difference"]["mean"] == 0
    for curves in missing["severity"].values():
        for kind, end in (("lost", 1), ("noise", -10)):
            assert curves[kind]["levels"][-1] == end
            points = [point["mean"] for point in curves[kind]["arms"]["real_audio"]["accuracy"]]
            assert points[0] > points[-1] + 0.1


def test_architecture_1_reports_its_filter_and_its_leak(compared: Path) -> None:
    report = json.loads((compared / "results" / "arch1_metrics.json").read_text())
    check_report(report, "arch1_metrics.schema.yaml")
    assert "leaks" in report["arms"]["oracle_filter"]
    assert report["filter"]["percentile"] in (25, 50, 75)
    assert 0 < report["filter"]["kept_share"]["filtered"]["mean"] < 1
    assert report["labels"]["real"]["map"] > report["labels"]["generated"]["map"]
    rows = (compared / "results" / "semantic_dictionary.csv").read_text().splitlines()
    assert len(rows) == 1 + 5 * len(report["data"]["classes"])


def test_tables_and_figures_lie_beside_the_comparison(compared: Path, metrics: dict) -> None:
    data = metrics["data"]
    train, val, test = (data[split] for split in ("train", "val", "test"))
    results = compared / "results"
    masks = (results / "missing_audio.csv").read_text().splitlines()
    assert len(masks) == 1 + train + val + test
    figures = {path.name for path in (results / "figures").iterdir()}
    for name in ("accuracy_by_arm", "filter_threshold", "training_curves", "confusion_real_audio"):
        assert {f"{name}.svg", f"{name}.png"} <= figures
    predictions = (results / "predictions.csv").read_text().splitlines()
    assert len(predictions) == 1 + val + test + data["excluded"]["no_label"]


def test_only_what_an_ablation_reaches_runs_again(compared: Path) -> None:
    target = "results/scenarios/generator.draws=1/predictions/00000-of-00002.ledger.csv"
    planned = run_demo(compared, target, "-n", few_seeds=True).stdout
    assert "rule generate_audio:" in planned
    for stage in ("train_generator", "extract_vit", "extract_ast", "caption_frames", "make_clips"):
        assert f"rule {stage}:" not in planned
