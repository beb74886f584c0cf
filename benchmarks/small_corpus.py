"""Many videos that cost little: tiny clips and tiny models, and Snakemake runs over them.

What a workflow adds to the models shows best where the models cost next to nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from measure import ROOT
from published_size_models import write_ast, write_blip, write_vit
from unmuted.media.ffmpeg import binary
from workload import SCRATCH

RATE, WIDTH, HEIGHT = 8, 64, 48
CLASSES = 8
TINY = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
}
SMALL_FITS = {
    "folds": 2,
    "audio_dim": 8,
    "generator": {"steps": 8, "hidden": 8, "adapter_dim": 4, "draws": 2},
    "classifier": {"epochs": 4, "hidden": 8, "snapshots": 2},
    "bootstrap": {"resamples": 1000},
}


@dataclass(frozen=True)
class Run:
    """What one run of Snakemake took.

    seconds: wall time. cpu: seconds of CPU of all its processes. main_mb: peak memory of Snakemake
    itself, job_mb: of the largest of its jobs, both looked at twice a second. jobs: how many
    there were to run.
    """

    seconds: float
    cpu: float
    main_mb: float
    job_mb: float
    jobs: int
    output: str


def render(folder: Path, count: int) -> list[Path]:
    """`count` clips of one second, 64x48 at 8 frames/s, with sound; each shows something else."""
    folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.glob("*.mp4"))) != count:
        sound = "aevalsrc=0.3*sin(2*PI*t*(200+t/10))+0.05*(random(0)-0.5):s=16000"
        command = [binary(), "-nostdin", "-v", "error", "-y"]
        command += ["-f", "lavfi", "-i", f"testsrc2=s={WIDTH}x{HEIGHT}:r={RATE}"]
        command += ["-f", "lavfi", "-i", sound, "-t", count, "-map", "0:v", "-map", "1:a"]
        command += ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
        command += ["-g", RATE, "-keyint_min", RATE, "-sc_threshold", "0"]
        command += ["-c:a", "aac", "-b:a", "32k", "-f", "segment", "-segment_time", "1"]
        command += ["-reset_timestamps", "1", folder / "%06d.mp4"]
        subprocess.run([str(one) for one in command], check=True)
    return sorted(folder.glob("*.mp4"))[:count]


def write_videos(folder: Path, count: int, rendered: Sequence[Path]) -> None:
    """`count` files in class folders, of rendered clips in turn; no two have the same bytes."""
    for index in range(count):
        path = video(folder, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        source = rendered[index % len(rendered)].read_bytes()
        path.write_bytes(source + free_box(f"clip {index}"))


def video(folder: Path, index: int) -> Path:
    """Where the video of a number lies."""
    return folder / "videos" / f"class{index % CLASSES}" / f"clip{index:07d}.mp4"


def free_box(text: str) -> bytes:
    """A box of an MP4 file that no reader looks into, to be appended."""
    content = text.encode()
    return (8 + len(content)).to_bytes(4, "big") + b"free" + content


def write_config(folder: Path, videos_per_shard: int, **more: object) -> Path:
    """A configuration over FOLDER/videos with tiny random models, which it makes."""
    models = folder / "models"
    if not models.exists():
        write_vit(models / "vit", 1, size=TINY, pixels=64)
        write_ast(models / "ast", 2, size=TINY, frames=112)
        write_blip(models / "blip", 3, size=TINY, pixels=64, vocabulary=2000)
    config = {
        "videos": {"source": "folder", "folder": "videos"},
        "videos_per_shard": videos_per_shard,
        "threads": 1,
        "clips": {"seconds": 1.0, "fps": 4},
        "frames": {"short_side": HEIGHT},
        "captions": {"max_new_tokens": 6},
        "models": {role: {"path": str(models / role)} for role in ("vit", "ast", "blip")},
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config | SMALL_FITS | more, indent=1))
    return path


def snakemake(folder: Path, *arguments: str) -> Run:
    """Run Snakemake in a folder with its config.json. Raises RuntimeError where it fails."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--quiet", "host"]
    command += ["--directory", folder, "--configfile", folder / "config.json"]
    log = folder / "run.log"
    peaks = {"own": 0.0, "jobs": 0.0}
    started = time.perf_counter()
    with open(log, "w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [str(one) for one in command], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        )
        with _watching(process.pid, peaks):
            _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, output = time.perf_counter() - started, log.read_text(encoding="utf-8")
    if process.returncode:
        raise RuntimeError(f"snakemake failed in {folder}:\n{output[-3000:]}")
    cpu = used.ru_utime + used.ru_stime
    return Run(seconds, cpu, peaks["own"], peaks["jobs"], _jobs(output), output)


@contextmanager
def _watching(pid: int, peaks: dict[str, float]) -> Iterator[None]:
    """Note the peak memory of a process and of the largest of its descendants, in MB.

    The system's own record of a child starts with what its parent had when it was forked.
    """
    done = threading.Event()

    def watch() -> None:
        main = psutil.Process(pid)
        while not done.wait(0.5):
            with suppress(psutil.Error):
                peaks["own"] = max(peaks["own"], main.memory_info().rss / 1e6)
                for child in main.children(recursive=True):
                    with suppress(psutil.Error):
                        peaks["jobs"] = max(peaks["jobs"], child.memory_info().rss / 1e6)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _jobs(output: str) -> int:
    totals = [line.split()[1] for line in output.splitlines() if line.startswith("total ")]
    return int(totals[0]) if totals else 0


@contextmanager
def work_folder(name: str) -> Iterator[Path]:
    """An empty folder outside the repository, removed in the end."""
    folder = SCRATCH / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
