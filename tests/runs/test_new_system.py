"""A system is a folder, its rules and scripts, and a line of the registry: it plans and reports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from runs.corpus import REPOSITORY, Corpus
from unmuted.engine.ledger import OK, read_rows

pytestmark = pytest.mark.workflow
SYSTEM = Path(__file__).resolve().parent / "loudness_system"
TARGET = "results/loudness_metrics.json"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the workflow with the system's files, and its name in the registry."""
    folder = tmp_path / "checkout"
    for name in ("workflow", "profiles", "envs", "resources"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".mypy_cache")
        shutil.copytree(REPOSITORY / name, folder / name, symlinks=True, ignore=ignored)
    shutil.copytree(SYSTEM, folder / "workflow", dirs_exist_ok=True)
    registry = folder / "workflow" / "scripts" / "unmuted" / "pipeline" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    assert text.count('    "comparison",\n') == 1
    registry.write_text(text.replace('    "comparison",\n', '    "comparison",\n    "loudness",\n'))
    return folder


def test_a_new_system_plans_runs_and_reports(checkout: Path, small: Corpus, tmp_path: Path) -> None:
    work = small.copy(tmp_path / "work")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "snakemake", TARGET, "--cores", "2", *arguments),
                *("--snakefile", str(checkout / "workflow" / "Snakefile")),
                *("--directory", str(work.folder), "--configfile", "config.yaml"),
            ],
            cwd=work.folder,
            env=os.environ | {"PYTHONPATH": str(checkout / "workflow" / "scripts")},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    planned = run("--dry-run", "--quiet", "host")
    for rule in ("measure_loudness", "fit_loudness", "write_report"):
        assert rule in planned
    assert "extract_vit" not in planned  # nothing that the system does not read
    run()
    found = json.loads((work.folder / TARGET).read_text())
    assert found.pop("provenance")["seeds"] == [0, 1]
    assert found.pop("system") == "loudness" and "2 seeds" in found.pop("exploratory")
    assert found == expected(work)
    assert "Nothing to be done" in run()
    run("--report", "report.zip")
    assert (work.folder / "report.zip").stat().st_size > 0


def expected(work: Corpus) -> dict[str, object]:
    """The metrics by another way: levels from the wav files, classes and splits from the table."""
    rows = [line.split(",") for line in (work.results / "splits.csv").read_text().splitlines()[1:]]
    videos = (work.results / "videos.csv").read_text().splitlines()[1:]
    label_of = dict(line.split(",")[:2] for line in videos)
    split_of = {row[0]: row[-1] for row in rows}
    levels = {}
    for ledger in sorted((work.results / "wav").glob("*.ledger.csv")):
        for name, row in read_rows(ledger).items():
            if row.status == OK:
                folder = ledger.with_name(ledger.name.removesuffix(".ledger.csv"))
                samples = wavfile.read(folder / f"{name}.wav")[1] / 2**15
                levels[name] = float(20 * np.log10(np.sqrt(np.mean(samples**2))))
    by_class: dict[str, list[float]] = {}
    for name in sorted(levels):
        if split_of.get(name) == "train":
            by_class.setdefault(label_of[name], []).append(levels[name])
    means = {label: float(np.mean(values)) for label, values in sorted(by_class.items())}
    tested = [name for name in levels if split_of.get(name) == "test"]
    nearest = [min(means, key=lambda m: abs(means[m] - levels[name])) for name in tested]
    right = [label == label_of[name] for label, name in zip(nearest, tested, strict=True)]
    return {
        "clips": len(tested),
        "accuracy": sum(right) / len(right),
        "means": pytest.approx(means, abs=1e-6),
    }
