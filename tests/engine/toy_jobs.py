"""What tests of jobs of the toy registry share, besides their fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from engine.toy.registry import REGISTRY
from unmuted.engine.executor import Artifact, Result, Task
from unmuted.engine.job import Job
from unmuted.engine.run import Run
from unmuted.engine.stage import Registry, Stage

PART = "seeds-0-1-2"
ANY_TABLE = Artifact(Path("table.json"), None)


def values_of(name: str) -> np.ndarray:
    return np.array([float(name.removeprefix("v"))])


def payload(stage: Stage, name: str) -> dict[str, object]:
    return {"values": values_of(name) if stage.suffix == ".safetensors" else name}


def make_shards(run: Run, *stages: str) -> None:
    """Bring stages of single videos up to date, with numbers that belong to the video's name."""
    for stage in (run.stages[name] for name in stages):
        for shard in run.dataset.shards:
            Job(run, stage, shard).run_shard(
                lambda tasks, stage=stage: [Result(t.name, payload(stage, t.name)) for t in tasks]
            )


def open_with(registry: Registry, **settings: object) -> Run:
    config = yaml.safe_load(Path("config.yaml").read_text())
    return Run(config | settings, registry)


def registry_with(*stages: Stage) -> Registry:
    return replace(REGISTRY, stages=REGISTRY.stages | {stage.name: stage for stage in stages})


def job_of(run: Run, stage: str, **changes: object) -> Job:
    """The job of a stage for the first shard, the seeds, or the whole; `changes` to its row."""
    row = replace(run.stages[stage], **changes)
    part = min(run.dataset.shards) if row.is_sharded else PART if row.by_seed else None
    return Job(run, row, part)


def elsewhere(run: Run) -> str:
    """A video of another shard than that of `job_of`."""
    return run.dataset.shards[max(run.dataset.shards)][0]


def fit_after(job: Job, read: Callable[[], object], fingerprint: object) -> None:
    """Run the job's fits, which call `read` while they are made."""

    def compute(tasks: Sequence[Task]) -> Iterable[Result]:
        read()
        return [Result(task.name, {"mean": np.zeros(1)}) for task in tasks]

    job.run_seeds({seed: {"mean": fingerprint} for seed in job.job_seeds}, compute)
