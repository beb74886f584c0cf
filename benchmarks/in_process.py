"""Stages of the workflow carried out in this very process, without Snakemake."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from unmuted.engine.job import ReportJob, make_jobs
from unmuted.engine.run import Run
from unmuted.pipeline.registry import STAGES

MEDIA = ("probe", "frames", "wav", "flow")
FEATURES = ("vit_rgb", "vit_flow", "ast")


def scripts_of(names: Iterable[str]) -> list[str]:
    """The scripts that make these stages: one may make several."""
    return list(dict.fromkeys(STAGES[name].script for name in names))


def run_stages(run: Run, names: Iterable[str], threads: int) -> None:
    """Carry out the scripts of these stages, shard by shard or some seeds after the other."""
    for script in scripts_of(names):
        main = importlib.import_module(script).main
        stage = run.registry.stages_of_script[script][0]
        for part in run.dataset.shards if stage.is_sharded else run.layout.partitions(stage.name):
            main(*make_jobs(run, script, part, threads))


def stages_for(run: Run, report: str) -> list[str]:
    """Name the stages that a report needs, each after those that it reads."""
    wanted = {name for _, name in run.stages_of_report(run.stages.report(report))}
    for name in reversed(list(run.stages)):
        if name in wanted:
            wanted |= {*run.stages[name].upstream, *run.stages[name].after}
    return [name for name in run.stages if name in wanted]


def run_arch2(run: Run, threads: int) -> str:
    """All that results/arch2_metrics.json needs, from the videos on; returns its path."""
    for script, target in (("list_videos", "videos.csv"), ("make_splits", "splits.csv")):
        importlib.import_module(script).main(run, table=f"results/{target}")
    run_stages(run, stages_for(run, "arch2_metrics"), threads)
    report, target = run.registry.reports["arch2_metrics"], "results/arch2_metrics.json"
    importlib.import_module(report.script).main(ReportJob(run, report, threads), metrics=target)
    return target
