"""The embedded demo: its main job, as `make demo` runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from acceptance.demo import run_demo
from runs.corpus import METRICS, REPOSITORY
from unmuted.engine.artifacts import read_json
from unmuted.evaluation.schema import check_report

pytestmark = pytest.mark.acceptance


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
