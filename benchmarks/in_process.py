"""Stages of the workflow carried out in this very process, without Snakemake."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable

from unmuted.engine.project import Project
from unmuted.stages import REPORTS, STAGES

MEDIA = ("probe", "frames", "wav", "flow")
FEATURES = ("vit_rgb", "vit_flow", "ast")
ARCH2 = (
    *(*MEDIA, *FEATURES, "representative_frames", "captions", "caption_embeddings"),
    *("label_embeddings", "mapping", "sources", "projection", "prototypes"),
    *("generator", "generated"),
    *("classifier", "selection", "predictions"),
)


def run_stages(project: Project, names: Iterable[str], threads: int) -> None:
    """Carry out the scripts of these stages, shard by shard and seed by seed."""
    for name in names:
        stage = STAGES[name]
        main = importlib.import_module(stage.script).main
        shards = list(project.shards) if stage.is_sharded else [None]
        seeds = project.config["seeds"] if stage.by_seed else [None]
        for shard in shards:
            for seed in seeds:
                view = name.partition("_")[2]
                known = {"shard": shard, "seed": seed, "threads": threads, "view": view}
                takes = inspect.signature(main).parameters
                main(project, **{key: known[key] for key in known if key in takes})


def run_arch2(project: Project, threads: int) -> str:
    """All that results/arch2_metrics.json needs, from the videos on; returns its path."""
    for script, target in (("list_videos", "videos.csv"), ("make_splits", "splits.csv")):
        importlib.import_module(script).main(project, f"results/{target}")
    run_stages(project, ARCH2, threads)
    target = "results/arch2_metrics.json"
    importlib.import_module(REPORTS["arch2_metrics"].script).main(project, target)
    return target
