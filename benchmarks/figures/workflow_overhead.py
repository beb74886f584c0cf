"""The whole main job: by the workflow against the same stages in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from measure import ROOT, Figure, Limit, seconds
from workload import SCRATCH, THREADS, enter_project, make_clips, published_size_models

CLIPS = int(os.environ.get("BENCH_CLIPS", 256))
JOB_THREADS = 1  # of the workflow's jobs: as many of them side by side as there are cores
PER_SHARD = 64
SETTINGS = {"captions": {"max_new_tokens": 20}}  # random weights never end a sentence


def main() -> None:
    videos = make_clips(SCRATCH / f"videos-{CLIPS}", CLIPS, distinct=CLIPS)
    models = published_size_models(SCRATCH / "models")
    folder = videos[0].parents[1]
    enter_project(SCRATCH / "one", folder, models, CLIPS, threads=THREADS, **SETTINGS)
    command = [sys.executable, "-m", "baselines.one_process", os.getcwd(), str(THREADS)]
    one = seconds(lambda: subprocess.run(command, cwd=ROOT / "benchmarks", check=True))
    metrics = read_metrics()
    enter_project(SCRATCH / "ours", folder, models, PER_SHARD, threads=JOB_THREADS, **SETTINGS)
    ours = seconds(lambda: snakemake("results/arch2_metrics.json"))
    assert read_metrics().keys() == metrics.keys()
    jobs, inside = jobs_and_seconds()
    Figure(
        "workflow_overhead",
        f"whole workflow wall / the same stages in one process, {CLIPS} clips, published sizes",
        ours / one,
        limit=Limit(most=1.10),
        decides=True,
        samples={"one_process": [one], "ours": [ours]},
        details={
            "unit": "seconds",
            "videos_per_shard": PER_SHARD,
            "threads": {"one_process": THREADS, "a job of ours": JOB_THREADS, "cores": THREADS},
            "jobs": jobs,
            "seconds inside jobs, by rule": inside,
        },
    ).write()


def snakemake(*targets: str) -> None:
    """Run the workflow in the current directory, on all cores."""
    options = ["--cores", str(THREADS), "--quiet", "all", "--directory", os.getcwd()]
    config = ["--configfile", f"{os.getcwd()}/config.yaml"]
    command = [sys.executable, "-m", "snakemake", *targets, *options, *config]
    subprocess.run(command, cwd=ROOT, check=True)


def read_metrics() -> dict[str, object]:
    return json.loads(Path("results/arch2_metrics.json").read_text(encoding="utf-8"))


def jobs_and_seconds() -> tuple[int, dict[str, float]]:
    """How many jobs ran, and their wall seconds together, by rule, from Snakemake's own tables."""
    tables = list(Path("results/benchmarks").glob("**/*.tsv"))
    inside: Counter[str] = Counter()
    for table in tables:
        rule = table.relative_to("results/benchmarks").parts[0]
        inside[rule] += float(table.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
    return len(tables), dict(inside.most_common())


if __name__ == "__main__":
    main()
