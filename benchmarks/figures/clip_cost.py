"""Cost of a clip: the source documents' way against the workflow's stages, published sizes."""

from __future__ import annotations

import statistics
import tempfile
from functools import partial
from pathlib import Path

import torch

from baselines.source_way import SourceWay
from crew import Tasks, crew
from in_process import FEATURES, MEDIA, run_stages, scripts_of
from measure import Figure, Limit, alternate, ratios, seconds
from workload import SCRATCH, THREADS, empty, enter_project, make_clips, published_size_models

REPEATS = 3
CLIPS_OF_SOURCE = 2  # one costs half a minute
CLIPS = 24  # of each of our processes; their cost includes loading each model once
STAGES = (*MEDIA, *FEATURES)


def main() -> None:
    torch.set_num_threads(THREADS)
    videos = make_clips(CLIPS)
    models = published_size_models(SCRATCH / "models")
    source = SourceWay(Path(models["vit"]["path"]), Path(models["ast"]["path"]))
    with (
        tempfile.TemporaryDirectory() as folder,
        crew(THREADS, prepare, videos[0].parents[1], models) as ours,
        crew(THREADS, prepare_source, videos, models) as sources,
    ):

        def source_seconds(count: int = CLIPS_OF_SOURCE) -> float:
            work = [partial(source.clip, video, Path(folder)) for video in videos[:count]]
            return sum(map(seconds, work)) / count

        def our_seconds() -> float:
            ours.do("empty")
            taken = {script: ours.do(script) / (THREADS * CLIPS) for script in scripts_of(STAGES)}
            for script, one in taken.items():
                parts.setdefault(script, []).append(one)
            return sum(taken.values())

        parts: dict[str, list[float]] = {}
        source_seconds(1)  # the first call is slower
        samples = alternate(
            REPEATS,
            source=source_seconds,
            source_side_by_side=lambda: sources.do("clip") / THREADS,
            ours=our_seconds,
        )
    Figure(
        "clip_cost",
        "clip cost, source's way / ours, published sizes, media and feature stages",
        ratios(samples["source"], samples["ours"]),
        limit=Limit(least=9),
        decides=True,
        samples=samples,
        details={
            "unit": "seconds a clip",
            "source side by side / ours": statistics.median(
                ratios(samples["source_side_by_side"], samples["ours"])
            ),
            "source": f"one process, {THREADS} threads, float32, models loaded",
            "ours": f"{THREADS} processes of one thread, {CLIPS} clips each, models loaded anew",
            "ours by script": {script: statistics.median(parts[script]) for script in parts},
        },
    ).write()


def prepare(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    """In a process of ours: a task a script, over all clips."""
    project = enter_project(SCRATCH / f"project-{number}", videos, models, CLIPS, threads=1)
    work = {}
    for script in scripts_of(STAGES):
        made = [stage.name for stage in project.registry.stages_of_script[script]]
        work[script] = partial(run_stages, project, made, 1)
    return work | {"empty": partial(empty, *STAGES)}


def prepare_source(number: int, videos: list[Path], models: dict[str, object]) -> Tasks:
    """In a process that goes the source's way beside another: more than they did."""
    source = SourceWay(Path(models["vit"]["path"]), Path(models["ast"]["path"]))
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    return {"clip": partial(source.clip, videos[number], folder)}


if __name__ == "__main__":
    main()
