"""What planning costs: dry runs of very many videos.

    python benchmarks/run.py planning

The videos are empty files that exist, in class folders and in a manifest: a dry run looks at their
names, sizes and times. A run over finished videos is measured by `growth`, which has them.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from measure import Figure, Limit
from small_corpus import Run, snakemake, video, work_folder, write_config

CLIPS_PER_GROUP = 3  # clips cut from one recording, in the manifest
SHARDS = {100_000: 512, 1_000_000: 1024}  # videos a shard, by the number of videos
GOALS = {100_000: (20, 1000), 1_000_000: (300, 6000)}  # seconds, MB
EVERYTHING = "results/arch2_metrics.json"
# As many jobs of scripts as the workflow has for these shards, and nothing else in them.
FLOOR = """
SHARDS = [f"{{shard:05d}}" for shard in range({shards})]

rule all:
    input:
        expand("made/{stages}/{{shard}}.csv", shard=SHARDS),

for stage in range({stages}):
    rule:
        name: f"stage_{{stage + 1}}"
        input: [f"made/{{stage}}/{{{{shard}}}}.csv"] if stage else []
        output: f"made/{{stage + 1}}/{{{{shard}}}}.csv"
        script: "nothing.py"
"""


def write_empty_videos(folder: Path, count: int) -> None:
    """Empty files in class folders, and manifest.csv, which names them with label and group."""
    with open(folder / "manifest.csv", "w", encoding="utf-8") as table:
        table.write("path,label,group\n")
        for index in range(count):
            path = video(folder, index)
            if index < 8:
                path.parent.mkdir(parents=True)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            label, group = path.parent.name, f"recording{index // CLIPS_PER_GROUP}"
            table.write(f"{path.relative_to(folder)},{label},{group}\n")


def dry_run(folder: Path, source: str, per_shard: int, target: str) -> Run:
    """A dry run over the empty videos; source: folder or manifest."""
    where = {"folder": "videos", "manifest": "manifest.csv"}[source]
    write_config(folder, per_shard, videos={"source": source, source: where})
    run = snakemake(folder, target, "--dry-run")
    print(f"{source}, {target}: {described(run)}", flush=True)
    return run


def floor(folder: Path, shards: int, stages: int) -> Run:
    """A dry run of a workflow with as many jobs that does nothing else."""
    plain = folder / "plain"
    plain.mkdir(exist_ok=True)
    (plain / "config.json").write_text("{}")
    (plain / "nothing.py").write_text("")
    (plain / "Snakefile").write_text(FLOOR.format(shards=shards, stages=stages))
    return snakemake(plain, "--dry-run", "--snakefile", str(plain / "Snakefile"))


def measure_dry_runs(videos: int) -> None:
    """Both sources of videos, features alone and the whole main job; the slowest counts."""
    per_shard = SHARDS.get(videos, 64)
    goal_seconds, goal_mb = GOALS.get(videos, (None, None))
    with work_folder(f"planning-{videos}") as folder:
        write_empty_videos(folder, videos)
        found = {
            f"{target}, {source}": dry_run(folder, source, per_shard, target)
            for source in ("folder", "manifest")
            for target in ("features", EVERYTHING)
        }
        jobs = found["features, folder"].jobs
        config = json.loads((folder / "config.json").read_text())
        plain = floor(folder, jobs // 11, 11)
    details = {
        "videos": "empty files in 8 class folders; manifest: with label and group",
        "videos_per_shard": config["videos_per_shard"],
        "dry runs": {name: described(run) for name, run in found.items()},
        "as many jobs of a plain workflow": described(plain),
    }
    slowest = max(run.seconds for run in found.values())
    largest = max(run.main_mb for run in found.values())
    for kind, value, unit, goal in (
        ("seconds", slowest, "s", goal_seconds),
        ("memory", largest, "MB", goal_mb),
    ):
        Figure(
            f"dry_run_{videos}_{kind}",
            f"dry run of {videos:,} videos, {per_shard} a shard: {kind}",
            value,
            unit=unit,
            limit=None if goal is None else Limit(most=goal),
            samples={name: [run.seconds] for name, run in found.items()},
            details=details,
        ).write()
    print(f"a plain workflow: {described(plain)}", flush=True)


def described(run: Run) -> dict[str, float]:
    return {"jobs": run.jobs, "seconds": round(run.seconds, 1), "mb": round(run.main_mb)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, nargs="*", default=[100_000, 1_000_000])
    for count in parser.parse_args().videos:
        measure_dry_runs(count)
