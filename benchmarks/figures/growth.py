"""What a video costs in a small and in a large data set: the target `features`, tiny models.

    python benchmarks/run.py growth

The largest, once finished, is run again: what a run costs that finds nothing to do.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from measure import Figure, Limit
from small_corpus import Run, render, snakemake, work_folder, write_config, write_videos

PER_SHARD = 160  # shards are then as full at all sizes: 156 to 157 videos
DISTINCT = 500
REPEATS = 3


def measure(folder: Path, size: int, rendered: list[Path]) -> Run:
    """Every feature of `size` videos, from nothing."""
    write_videos(folder, size, rendered)
    write_config(folder, PER_SHARD)
    return snakemake(folder, "features")


def main(sizes: list[int]) -> None:
    found: dict[int, Run] = {}
    with work_folder("growth") as work:
        rendered = render(work / "rendered", min(DISTINCT, max(sizes)))
        for size in sorted(sizes):
            folder = work / str(size)
            folder.mkdir()
            one = found[size] = measure(folder, size, rendered)
            print(f"{size}: {one.seconds:.0f} s, CPU {one.cpu:.0f} s, {one.jobs} jobs", flush=True)
        files = sum(1 for root in (".snakemake", "results") for _ in (folder / root).rglob("*"))
        report(found, files)
        again = [snakemake(folder, "features") for _ in range(REPEATS)]
    report_no_change(size, again)


def report(found: dict[int, Run], files: int) -> None:
    """Cost per video of the largest over that of the smallest data set.

    files: that lie in results/ and .snakemake/ of the largest.
    """
    few, many = found[min(found)], found[max(found)]
    details = {
        "videos": "1 s, 64x48, 8 frames/s, AAC; ViT, AST, BLIP of 2 layers and 48 dimensions",
        "videos_per_shard": PER_SHARD,
        "target": "features",
        "files and folders a video, largest": round(files / max(found), 2),
        "sizes": {
            size: {
                "jobs": run.jobs,
                "wall_s": round(run.seconds, 1),
                "cpu_s": round(run.cpu, 1),
                "cpu_s_per_video": round(run.cpu / size, 4),
                "wall_s_per_video": round(run.seconds / size, 4),
                "snakemake_mb": round(run.main_mb),
                "largest_job_mb": round(run.job_mb),
            }
            for size, run in found.items()
        },
    }
    ratio = (many.cpu / max(found)) / (few.cpu / min(found))
    Figure(
        "growth",
        f"CPU per video: {max(found):,} videos / {min(found):,} videos, tiny models",
        ratio,
        limit=Limit(most=1.05),
        samples={str(size): [run.cpu / size] for size, run in found.items()},
        details=details,
    ).write()


def report_no_change(videos: int, runs: list[Run]) -> None:
    """The median of runs (not dry ones) that all found nothing to do."""
    assert not any(run.jobs for run in runs), runs[0].output
    taken = [run.seconds for run in runs]
    Figure(
        "no_change",
        f"no-change run of `features` over {videos:,} finished videos",
        statistics.median(taken),
        unit="s",
        limit=Limit(most=20),
        samples={"no change": taken},
        details={
            "finished": "the target `features`, made by the workflow itself with tiny models",
            "videos_per_shard": PER_SHARD,
            "snakemake_mb": round(runs[0].main_mb),
        },
    ).write()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[156, 1250, 10000])
    main(parser.parse_args().sizes)
