"""What a video costs in a small and in a large data set: the whole main job, tiny models.

    python benchmarks/run.py growth

The largest, once finished, is run again: what a run costs that finds nothing to do.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from measure import Figure, Limit
from small_corpus import Run, render, snakemake, work_folder, write_config, write_videos
from workload import jobs_and_seconds

PER_SHARD = 160  # shards are then as full at all sizes: 156 to 157 videos
REPEATS = 3
EVERYTHING = "results/arch2_metrics.json"
SERVED = ("generate_audio", "predict_classes")  # what is made of each video after the fits


@dataclass(frozen=True)
class Cost:
    """What a data set took: all of its features, then the rest of the main job.

    inside: wall seconds in jobs, by rule. files: that lie in results/ and .snakemake/.
    """

    videos: int
    features: Run
    rest: Run
    inside: Mapping[str, float]
    files: int

    @property
    def per_video(self) -> float:
        """Seconds of CPU for the features, and seconds in the jobs that serve the fitted models.

        The fits are left out: what they cost goes by training clips and epochs.
        """
        return (self.features.cpu + sum(self.inside[rule] for rule in SERVED)) / self.videos

    def described(self) -> dict[str, float]:
        both = (self.features, self.rest)
        return {
            "jobs": sum(run.jobs for run in both),
            "wall_s": round(sum(run.seconds for run in both), 1),
            "cpu_s": round(sum(run.cpu for run in both), 1),
            "cpu_s_per_video, features": round(self.features.cpu / self.videos, 4),
            "s_per_video, serving": round(sum(map(self.inside.get, SERVED)) / self.videos, 4),
            "snakemake_mb": round(max(run.main_mb for run in both)),
            "largest_job_mb": round(max(run.job_mb for run in both)),
            "files and folders a video": round(self.files / self.videos, 2),
        }


def measure(folder: Path, size: int, rendered: list[Path]) -> Cost:
    """The main job over `size` videos, from nothing."""
    write_videos(folder, size, rendered)
    write_config(folder, PER_SHARD)
    features = snakemake(folder, "features")
    rest = snakemake(folder, EVERYTHING)
    files = sum(1 for root in (".snakemake", "results") for _ in (folder / root).rglob("*"))
    return Cost(size, features, rest, jobs_and_seconds(folder)[1], files)


def main(sizes: list[int]) -> None:
    found: list[Cost] = []
    with work_folder("growth") as work:
        rendered = render(work / "rendered", max(sizes))
        for size in sorted(sizes):
            folder = work / str(size)
            folder.mkdir()
            found.append(measure(folder, size, rendered))
            print(f"{size}: {found[-1].described()}", flush=True)
        report(found)
        again = [snakemake(folder, EVERYTHING) for _ in range(REPEATS)]
    report_no_change(size, again)


def report(found: list[Cost]) -> None:
    """Cost per video of the largest over that of the smallest data set."""
    few, *_, many = found
    Figure(
        "growth",
        f"cost per video: {many.videos:,} videos / {few.videos:,} videos, tiny models",
        many.per_video / few.per_video,
        limit=Limit(most=1.05),
        samples={str(one.videos): [one.per_video] for one in found},
        details={
            "unit": "seconds a video: CPU of all features, time in the jobs of "
            + " and ".join(SERVED),
            "videos": "1 s, 64x48, 8 frames/s, AAC; ViT, AST, BLIP of 2 layers and 48 dimensions",
            "videos_per_shard": PER_SHARD,
            "sizes": {one.videos: one.described() for one in found},
            "seconds in jobs, largest": dict(many.inside),
        },
    ).write()


def report_no_change(videos: int, runs: list[Run]) -> None:
    """The median of runs (not dry ones) that all found nothing to do."""
    assert not any(run.jobs for run in runs), runs[0].output
    taken = [run.seconds for run in runs]
    Figure(
        "no_change",
        f"no-change run of the main job over {videos:,} finished videos",
        taken,
        unit="s",
        limit=Limit(most=20),
        samples={"no change": taken},
        details={
            "finished": f"{EVERYTHING}, made by the workflow itself with tiny models",
            "videos_per_shard": PER_SHARD,
            "snakemake_mb": round(runs[0].main_mb),
        },
    ).write()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[156, 1250, 10000])
    main(parser.parse_args().sizes)
