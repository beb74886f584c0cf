"""The whole main job in one process: no Snakemake, nothing imported or loaded twice in a stage.

    python -m baselines.one_process WORKING_DIRECTORY THREADS

The directory has a config.yaml. All videos are one shard, so that each model is loaded once (ViT
twice, for its two views).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml

from in_process import run_arch2
from unmuted.inference.device import set_threads
from unmuted.pipeline.registry import open_run


def main(folder: Path, threads: int) -> None:
    os.chdir(folder)
    set_threads(threads)
    config = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
    project = open_run({**config, "videos_per_shard": 10**6})
    project.check()
    run_arch2(project, threads)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
