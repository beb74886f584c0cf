"""Cost of a clip: the source documents' way against the workflow's stages, published sizes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from baselines.source_way import SourceWay
from in_process import FEATURES, MEDIA, run_stages
from measure import Figure, Limit, alternate, median_ratio, seconds
from workload import SCRATCH, THREADS, make_clips, make_project, published_size_models

REPEATS = 3
CLIPS_OF_SOURCE = 3  # one costs half a minute
CLIPS = 48  # of ours, in one shard; their cost includes loading each model once


def main() -> None:
    torch.set_num_threads(THREADS)
    videos = make_clips(SCRATCH / f"videos-{CLIPS}", CLIPS)
    models = published_size_models(SCRATCH / "models")
    source = SourceWay(Path(models["vit"]["path"]), Path(models["ast"]["path"]))
    parts: dict[str, list[float]] = {}

    def source_seconds() -> float:
        with tempfile.TemporaryDirectory() as folder:
            work = [lambda v=v: source.clip(v, Path(folder)) for v in videos[:CLIPS_OF_SOURCE]]
            return sum(map(seconds, work)) / CLIPS_OF_SOURCE

    def our_seconds() -> float:
        with make_project(videos[0].parents[1], models, CLIPS) as project:
            total = 0.0
            for stage in (*MEDIA, *FEATURES):
                taken = seconds(lambda s=stage: run_stages(project, [s], THREADS)) / CLIPS
                parts.setdefault(stage, []).append(taken)
                total += taken
            return total

    source_seconds(), our_seconds()  # both once before anything counts
    parts.clear()
    samples = alternate(REPEATS, source=source_seconds, ours=our_seconds)
    Figure(
        "clip_cost",
        "clip cost, source's way / ours, published sizes, media and feature stages",
        median_ratio(samples["source"], samples["ours"]),
        limit=Limit(least=9),
        decides=True,
        samples=samples,
        details={"unit": "seconds a clip", "clips": CLIPS, "ours_by_stage": parts},
    ).write()


if __name__ == "__main__":
    main()
