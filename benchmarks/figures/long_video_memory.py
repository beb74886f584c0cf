"""Memory of a long video: 10 minutes against 1 minute at 50 fps, from file to CNN features.

    python benchmarks/run.py long_video_memory

Every stage runs in a process of its own. Its peak is the resident memory of that process; that of
the largest ffmpeg beside it is told apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from in_process import run_stages
from measure import ROOT, Figure, Limit
from unmuted.media.ffmpeg import binary
from unmuted.pipeline.registry import open_run
from workload import SCRATCH

MINUTES = (1, 10)
STAGES = ("probe", "timeline_frames", "wav", "timeline_cnn")
SIZE = "398x224"  # of SoccerNet's small videos
MOST_MB = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", choices=STAGES, help="measure this one in this process")
    parser.add_argument("--minutes", type=int)
    arguments = parser.parse_args()
    if arguments.stage:
        print(json.dumps(measured(arguments.stage, arguments.minutes)))
        return
    found = {
        minutes: {stage: in_a_process(stage, minutes) for stage in STAGES} for minutes in MINUTES
    }
    short, long = (found[minutes] for minutes in MINUTES)
    Figure(
        "long_video_memory",
        "memory from file to CNN features, 10 minutes - 1 minute at 50 fps, most of any stage",
        max(long[stage]["peak_mb"] - short[stage]["peak_mb"] for stage in STAGES),
        unit="MB",
        limit=Limit(most=MOST_MB),
        samples={
            f"{minutes} min, peak MB of {', '.join(STAGES)}": [
                stages[stage]["peak_mb"] for stage in STAGES
            ]
            for minutes, stages in found.items()
        },
        details={
            "video": f"{SIZE}, 50 fps, H.264 with AAC; frames at 5 a second, short side 144",
            "stages": {
                f"{minutes} min": {
                    stage: {name: round(number, 1) for name, number in one.items()}
                    for stage, one in stages.items()
                }
                for minutes, stages in found.items()
            },
        },
    ).write()


def in_a_process(stage: str, minutes: int) -> dict[str, float]:
    """What `measured` says in a process of its own."""
    command = [sys.executable, "-m", "figures.long_video_memory"]
    done = subprocess.run(
        [*command, "--stage", stage, "--minutes", str(minutes)], stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measured(stage: str, minutes: int) -> dict[str, float]:
    """Peak memory of one stage over one video, of this process and of its largest child, in MB."""
    video = make_video(minutes)
    tiny = ROOT / "resources" / "tiny_models"
    models = {role: {"path": str(tiny / role)} for role in ("vit", "ast", "blip")}
    models["pilot_backbone"] = {"path": str(tiny / "cnn")}
    folder = SCRATCH / f"long-project-{minutes}"
    if stage == STAGES[0]:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    videos = {"source": "folder", "folder": str(video.parent), "max_seconds": 3600}
    run = open_run({"videos": videos, "models": models})
    decoders: dict[str, float] = {}
    watcher = threading.Thread(target=watch_children, args=(decoders,), daemon=True)
    watcher.start()
    started = time.perf_counter()
    run_stages(run, [stage], threads=1)
    seconds = time.perf_counter() - started
    (row,) = [row for shard in run.dataset.shards for row in run.store.rows(stage, shard).values()]
    if row.status != "ok":
        raise SystemExit(f"{stage}: {row.status} {row.reason}")
    return {
        "peak_mb": peak_mb("self"),
        "ffmpeg_mb": max(decoders.values(), default=0.0),
        "artifact_mb": row.bytes / 1e6,
        "seconds": seconds,
    }


def peak_mb(process: str) -> float:
    """Largest resident memory that a process has had; 0 where it has ended.

    That of getrusage is, in a child, at least what its parent had when it was started.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return found[0] * 1024 / 1e6 if found else 0.0


def watch_children(peaks: dict[str, float]) -> None:
    """Note the peak of every ffmpeg of this process, ten times a second; also within a sandbox."""
    while True:
        for child in descendants("self"):
            with contextlib.suppress(OSError):
                if "ffmpeg" in Path(f"/proc/{child}/comm").read_text():
                    peaks[child] = max(peaks.get(child, 0.0), peak_mb(child))
        time.sleep(0.1)


def descendants(process: str) -> list[str]:
    """The processes that a process has started, and those that these have; as they are now."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text().split():
                    found += [child, *descendants(child)]
    return found


def make_video(minutes: int) -> Path:
    """A video with sound of so many minutes, made once, in a folder of its own."""
    path = SCRATCH / f"long-{minutes}" / "video.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished.mp4")
        source = ("-f", "lavfi", "-i")
        picture = (*source, f"testsrc2=size={SIZE}:rate=50:duration={60 * minutes}")
        sound = (*source, f"sine=frequency=440:sample_rate=44100:duration={60 * minutes}")
        encoded = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
        command = [binary(), "-nostdin", "-v", "error", "-y", *picture, *sound, *encoded]
        subprocess.run([*command, str(unfinished)], check=True)
        unfinished.replace(path)
    return path


if __name__ == "__main__":
    main()
