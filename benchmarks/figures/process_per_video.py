"""One process per video against the workflow, as many side by side as it has jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import yaml

from figures.workflow_overhead import snakemake_command
from in_process import FEATURES
from measure import ROOT, Figure, alternate, ratios, seconds
from run import ENVIRONMENT, HERE
from workload import SCRATCH, THREADS, enter_project, make_clips, published_size_models

CLIPS = 32
SHARD = "00000-of-00001"  # that holds them all
ALONE = min(CLIPS, 3 * THREADS)  # of them, for a process each: all would take long
REPEATS = 3


def main() -> None:
    videos = make_clips(CLIPS)
    models = published_size_models(SCRATCH / "models")

    def ours() -> float:
        enter_project(SCRATCH / "ours", videos[0].parents[1], models, CLIPS, threads=1)
        ledgers = [f"results/{name}/{SHARD}.ledger.csv" for name in FEATURES]
        command = snakemake_command(SCRATCH / "ours", THREADS, *ledgers)
        return seconds(lambda: subprocess.run(command, cwd=ROOT, check=True)) / CLIPS

    def each_alone() -> float:
        return seconds(partial(run_each_alone, videos[:ALONE], models)) / ALONE

    samples = alternate(REPEATS, process_per_video=each_alone, ours=ours)
    Figure(
        "process_per_video",
        "one process per video / ours, media and feature stages, published sizes",
        ratios(samples["process_per_video"], samples["ours"]),
        samples=samples,
        details={
            "unit": "seconds a clip",
            "process per video": f"{ALONE} of the {CLIPS} clips, {THREADS} processes of one thread "
            "side by side",
            "ours": f"{CLIPS} clips in one shard, up to {THREADS} jobs of one thread side by side",
        },
    ).write()


def run_each_alone(videos: Sequence[Path], models: dict[str, object]) -> None:
    """A process for each video, always as many at once as there are cores."""
    shutil.rmtree(SCRATCH / "alone", ignore_errors=True)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(partial(run_alone, models=models), videos))


def run_alone(video: Path, models: dict[str, object]) -> None:
    """A process of one thread for this video alone."""
    folder = SCRATCH / "alone" / video.stem
    (folder / "videos").mkdir(parents=True)
    os.symlink(video, folder / "videos" / video.name)
    config = {
        "videos": {"source": "folder", "folder": str(folder / "videos"), "follow_links": True},
        "threads": 1,
        "models": models,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "baselines.process_per_video", str(folder)]
    # As Snakemake does for a job of one thread.
    environment = ENVIRONMENT | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=HERE, env=environment, check=True)


if __name__ == "__main__":
    main()
