"""The main job on the embedded demo, as `make demo` runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runs.corpus import REPOSITORY
from unmuted.artifacts import read_json
from unmuted.report.schema import check_report

pytestmark = pytest.mark.workflow


def run_demo(folder: Path) -> str:
    config = REPOSITORY / "config" / "config.yaml"
    command = [sys.executable, "-m", "snakemake", "results/arch2_metrics.json", "--cores", "all"]
    command += ["--directory", str(folder), "--configfile", str(config)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


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
    assert sum(metrics["data"][split] for split in ("train", "val", "test")) >= 240
    assert len(metrics["provenance"]["seeds"]) >= 5


def test_real_sound_helps(metrics: dict) -> None:
    contrast = metrics["contrasts"]["real_audio-video_only"]
    assert contrast["delta"] >= 0.10
    assert contrast["ci95"][0] > 0


def test_truth_is_saved_beside_every_clip(demo: Path) -> None:
    clips = {path.stem for path in (demo / "results" / "clips").rglob("*.mp4")}
    truths = {path.stem: path for path in (demo / "results" / "truth").rglob("*.json")}
    assert clips == truths.keys()
    truth = read_json(next(iter(truths.values())))
    wanted = {"caption", "sounding_object", "event_times", "audio_labels", "masks"}
    assert wanted <= truth.keys()


def test_nothing_failed(demo: Path, metrics: dict) -> None:
    assert metrics["data"]["excluded"] == {}
    for ledger in (demo / "results" / "frames").glob("*.ledger.csv"):
        statuses = {line.split(",")[1] for line in ledger.read_text().splitlines()[1:]}
        assert statuses == {"ok"}


def test_second_run_has_nothing_to_do(demo: Path) -> None:
    assert "Nothing to be done" in run_demo(demo)


def test_table_for_the_terminal(demo: Path, metrics: dict) -> None:
    script = REPOSITORY / "workflow" / "scripts" / "show_metrics.py"
    path = demo / "results" / "arch2_metrics.json"
    shown = subprocess.run(
        [sys.executable, str(script), str(path)], capture_output=True, text=True, check=True
    ).stdout
    for arm, values in metrics["arms"].items():
        line = next(line for line in shown.splitlines() if line.startswith(arm))
        assert f"{100 * values['accuracy']['mean']:.1f}" in line
    assert shown.rstrip().endswith(str(path))
