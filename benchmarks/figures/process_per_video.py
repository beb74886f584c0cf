"""One process per video against the workflow, on the same clips."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from figures.workflow_overhead import snakemake_command
from in_process import FEATURES
from measure import ROOT, Figure, alternate, median_ratio, seconds
from workload import SCRATCH, THREADS, enter_project, make_clips, published_size_models

CLIPS = 32
SHARD = "00000-of-00001"  # that holds them all
ONE_BY_ONE = 6  # of them, for a process each
REPEATS = 3


def main() -> None:
    videos = make_clips(CLIPS)
    models = published_size_models(SCRATCH / "models")

    def ours() -> float:
        enter_project(SCRATCH / "ours", videos[0].parents[1], models, CLIPS, threads=1)
        ledgers = [f"results/{name}/{SHARD}.ledger.csv" for name in FEATURES]
        command = snakemake_command(SCRATCH / "ours", THREADS, *ledgers)
        return seconds(lambda: subprocess.run(command, cwd=ROOT, check=True)) / CLIPS

    def one_by_one() -> float:
        return sum(alone(video, models) for video in videos[:ONE_BY_ONE]) / ONE_BY_ONE

    samples = alternate(REPEATS, process_per_video=one_by_one, ours=ours)
    Figure(
        "process_per_video",
        "one process per video / ours, same clips, media and feature stages, published sizes",
        median_ratio(samples["process_per_video"], samples["ours"]),
        samples=samples,
        details={"unit": "seconds a clip", "clips of ours, in one shard": CLIPS},
    ).write()


def alone(video: Path, models: dict[str, object]) -> float:
    """Seconds of a process for this video alone."""
    folder = SCRATCH / "alone"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "videos").mkdir(parents=True)
    os.symlink(video, folder / "videos" / video.name)
    config = {
        "videos": {"source": "folder", "folder": str(folder / "videos"), "follow_links": True},
        "threads": THREADS,
        "models": models,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "baselines.process_per_video", str(folder)]
    return seconds(lambda: subprocess.run(command, cwd=ROOT / "benchmarks", check=True))


if __name__ == "__main__":
    main()
