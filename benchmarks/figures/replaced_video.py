"""One test video of many is replaced: what is made again, and how long that takes.

    python benchmarks/run.py replaced_video

The whole main job up to results/arch2_metrics.json, with tiny models.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

from measure import Figure, Limit
from small_corpus import (
    free_box,
    render,
    snakemake,
    video,
    work_folder,
    write_config,
    write_videos,
)
from unmuted.dataset.splits import read_splits
from unmuted.pipeline.registry import STAGES
from workload import jobs_and_seconds

TARGET = "results/arch2_metrics.json"
PER_SHARD = 128
REPEATS = 3
# What is made of each video whatever the others are; then what the fitted models make of it.
PER_CLIP = (
    *("probe", "frames", "wav", "flow", "representative_frames", "vit_rgb", "vit_flow", "ast"),
    *("captions", "caption_embeddings", "mapping"),
)
SERVED = ("generated", "predictions")


def artifacts(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of writing of every artifact and every fit, by path in results/."""
    results = folder / "results"
    paths = (path for stage in STAGES for path in results.glob(f"{stage}/**/*"))
    kept = [p for p in paths if p.is_file() and p.name[0] != "." and p.suffix != ".csv"]
    return {
        str(path.relative_to(results)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in kept
    }


def by_stage(paths: Iterable[str]) -> dict[str, set[str]]:
    """Names of the artifacts, by stage."""
    found: dict[str, set[str]] = {}
    for path in paths:
        found.setdefault(path.split("/")[0], set()).add(Path(path).stem)
    return found


def replace_one(folder: Path, index: int, content: bytes) -> dict[str, object]:
    """Replace a video, run, and say what was made again, in how many seconds and jobs."""
    path = video(folder, index)
    path.write_bytes(content)
    before, started = artifacts(folder), time.time()
    run = snakemake(folder, TARGET)
    after = artifacts(folder)
    again = by_stage(name for name in after if after[name] != before.get(name))
    return {
        "video": path.stem,
        "seconds": run.seconds,
        "jobs": run.jobs,
        "seconds in jobs": jobs_and_seconds(folder, since=started)[1],
        "own": sum(path.stem in again.get(stage, ()) for stage in (*PER_CLIP, *SERVED)),
        "of others": sum(len(again.get(s, set()) - {path.stem}) for s in (*PER_CLIP, *SERVED)),
        "fits": sorted(again.keys() - {*PER_CLIP, *SERVED}),
    }


def main(videos: int) -> None:
    with work_folder("replaced") as folder:
        rendered = render(folder / "rendered", videos + REPEATS)
        write_videos(folder, videos, rendered)
        write_config(folder, PER_SHARD)
        full = snakemake(folder, TARGET)
        print(f"full run: {full.seconds:.0f} s, {full.jobs} jobs", flush=True)
        tested = sorted(
            n for n, s in read_splits(folder / "results/splits.csv").items() if s == "test"
        )
        step = len(tested) // REPEATS
        chosen = [int(name.removeprefix("clip")) for name in tested[::step][:REPEATS]]
        replaced = []
        for number, index in enumerate(chosen):
            content = rendered[videos + number].read_bytes() + free_box(f"new {index}")
            replaced.append(replace_one(folder, index, content))
            print(json.dumps(replaced[-1]), flush=True)
    report(videos, full.seconds, full.jobs, replaced)


def report(videos: int, full: float, jobs: int, replaced: list[dict[str, object]]) -> None:
    """Two figures: the share of a full run, and artifacts made again that are not the video's."""
    own = len((*PER_CLIP, *SERVED))
    details = {
        "videos": "1 s, 64x48; ViT, AST, BLIP of 2 layers and 48 dimensions; five seeds",
        "videos_per_shard": PER_SHARD,
        "full run": {"seconds": round(full, 1), "jobs": jobs},
        "replaced": replaced,
    }
    Figure(
        "replaced_video",
        f"one test video of {videos:,} replaced: wall / full run, to {TARGET}",
        [one["seconds"] / full for one in replaced],
        limit=Limit(most=0.1),
        samples={"replaced": [one["seconds"] for one in replaced], "full": [full]},
        details=details,
    ).write()
    Figure(
        "replaced_video_artifacts",
        f"one test video of {videos:,} replaced: own artifacts not made again, others and fits"
        " made again",
        max(abs(own - one["own"]) + one["of others"] + len(one["fits"]) for one in replaced),
        unit="artifacts",
        limit=Limit(most=0),
        samples={
            "own": [one["own"] for one in replaced],
            "of others": [one["of others"] for one in replaced],
            "fits": [len(one["fits"]) for one in replaced],
        },
        details=details,
    ).write()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=1000)
    main(parser.parse_args().videos)
