"""From a half of a match to its highlights: speed, memory, and a reel.

A half is rendered: 398x224 at 25 fps, H.264, with stereo sound at 44.1 kHz, as SoccerNet's small
videos are. The backbone has the published size of ResNet-50, and random weights; highlights are
those of loudness, so that no spotter has to be trained (its own network takes about a second for a
half). Two recordings are worked on side by side, a process a core, one thread each.

BENCH_HALF_MINUTES sets the length of a half (45), BENCH_SLOW_MINUTES that of the one for float32.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch

from baselines.source_highlights import score_half, windows_of
from crew import Tasks, crew
from figures.long_video_memory import peak_mb, watch_children
from in_process import run_stages
from measure import ROOT, Figure, Limit, seconds
from published_size_models import write_resnet50
from unmuted.dataset.limits import Limits
from unmuted.engine.run import Run
from unmuted.media.ffmpeg import binary
from unmuted.media.probe import probe
from unmuted.media.reel import Cut, make_reel
from unmuted.models.architectures import load_backbone
from unmuted.pipeline.registry import open_run
from workload import SCRATCH, THREADS

MINUTES = int(os.environ.get("BENCH_HALF_MINUTES", "45"))
SLOW_MINUTES = int(os.environ.get("BENCH_SLOW_MINUTES", "5"))
SIZE, FPS, HZ = "398x224", 25, 44_100
STEPS_A_SECOND = 5
STAGES = ("probe", "events", "step_visual", "step_sound", "spots", "match_highlights")
MEASURED = ("step_visual", "step_sound")  # whose memory must not grow with the length
SOURCE_SECONDS = 60
BARE_PICTURES, BARE_BATCH = 256, 8
SEGMENTS, SEGMENT_S = 40, 13
LIMITS = Limits(max_seconds=6 * 3600, max_frames=6 * 3600 * 60)
SHORT_S = 10  # a recording with which imports and the model are in memory


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", type=int, metavar="MINUTES", help="measure in this process")
    given = parser.parse_args(arguments)
    backbone = make_backbone()
    if given.memory:
        print(json.dumps(memory_of(backbone, make_half(60 * given.memory))))
        return
    half = make_half(60 * MINUTES)
    measure_speed(backbone, half)
    measure_memory()
    measure_reel(half)


# --- speed ----------------------------------------------------------------------------------------


def measure_speed(backbone: Path, half: Path) -> None:
    """Times real time, in the best dtype and in float32; against the source and the bare model."""
    short = make_half(SOURCE_SECONDS)
    slow = make_half(60 * SLOW_MINUTES)
    with crew(THREADS, prepare, backbone, half, slow, short) as members:
        bare = members.do("bare")
        source = members.do("source")
        ours = members.do("ours")
        step_visual = members.do("step_visual")
        in_float32 = members.do("ours in float32")
    details = {
        "video": f"{SIZE}, {FPS} fps, {HZ} Hz stereo, {MINUTES} min",
        "processes": THREADS,
        "stages": STAGES,
        "backbone": "ResNet-50, random weights",
    }
    length = 60 * MINUTES
    Figure(
        "highlights_speed",
        "media to highlights.csv, times real time, side by side, ResNet-50 in the best dtype",
        THREADS * length / ours,
        unit="times",
        limit=Limit(least=10),
        decides=True,
        samples={"ours s": [ours]},
        details=details,
    ).write()
    Figure(
        "highlights_speed_float32",
        "media to highlights.csv, times real time, side by side, ResNet-50 in float32",
        THREADS * 60 * SLOW_MINUTES / in_float32,
        unit="times",
        limit=Limit(least=3.5),
        samples={"ours s": [in_float32]},
        details=details | {"video": f"{SIZE}, {SLOW_MINUTES} min"},
    ).write()
    scaled = source * scale_of_source(length)
    Figure(
        "highlights_source_way",
        "media to scores, source's way / ours",
        scaled / ours,
        limit=Limit(least=10),
        samples={f"source s of {SOURCE_SECONDS} s": [source], "ours s": [ours]},
        details=details | {"source, scaled to the half, s": round(scaled, 1)},
    ).write()
    rate = length * STEPS_A_SECOND / step_visual
    Figure(
        "highlights_see_match",
        "see_match pictures/s / bare model loop on ready tensors in the best dtype",
        rate / (BARE_PICTURES / bare),
        limit=Limit(least=0.9),
        samples={"stage s": [step_visual], f"bare s of {BARE_PICTURES} pictures": [bare]},
        details=details | {"pictures of each process": length * STEPS_A_SECOND},
    ).write()


def scale_of_source(length: int) -> float:
    """How much more the source's way has to do for so many seconds than for SOURCE_SECONDS."""
    return windows_of(length * STEPS_A_SECOND) / windows_of(SOURCE_SECONDS * STEPS_A_SECOND)


def prepare(number: int, backbone: Path, half: Path, slow: Path, short: Path) -> Tasks:
    """The tasks of one process."""
    dtype = best_dtype()
    bare = BareBackbone(backbone, dtype)
    exact = BareBackbone(backbone, torch.float32)
    ready = torch.randn(BARE_PICTURES, 3, 224, 224).to(dtype, memory_format=torch.channels_last)
    bare.run(ready[:BARE_BATCH])  # the first call is slower

    def find(video: Path, stages: Sequence[str], how: str | None = None) -> None:
        run = enter(SCRATCH / f"highlights-{number}", backbone, video, how)
        run_stages(run, stages, 1)

    def see() -> None:
        """The one stage alone; what it reads is there."""
        shutil.rmtree(SCRATCH / f"highlights-{number}" / "results" / "step_visual")
        os.chdir(SCRATCH / f"highlights-{number}")
        run_stages(open_run(config_of(backbone, half)), ("step_visual",), 1)

    return {
        "bare": partial(bare.run, ready),
        "source": lambda: score_half(short, exact.model),
        "ours": lambda: find(half, STAGES),
        "step_visual": see,
        "ours in float32": lambda: find(slow, STAGES, "float32"),
    }


class BareBackbone:
    """A backbone on prepared pictures."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        model, _ = load_backbone(folder, "backbone")
        self.model = model.eval().to(dtype).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features float32 (N, F) of pixels (N, 3, 224, 224)."""
        return torch.cat([self.model(few).float() for few in pixels.split(BARE_BATCH)])


def best_dtype() -> torch.dtype:
    from unmuted.inference.device import pick_dtype

    return pick_dtype(torch.device("cpu"))


def config_of(backbone: Path, video: Path, dtype: str | None = None) -> dict[str, object]:
    """A configuration for the one match that a video is."""
    model = {"path": str(backbone)} | ({"dtype": dtype} if dtype else {})
    tiny = ROOT / "resources" / "tiny_models"
    others = {role: {"path": str(tiny / role)} for role in ("vit", "ast", "blip")}
    return {
        "videos": {"source": "matches", "max_seconds": LIMITS.max_seconds},
        "matches": {"source": "manifest", "manifest": str(video.parent / "manifest.csv")},
        "models": others | {"step_backbone": model},
        "highlights": {"method": "loudness"},
    }


def enter(folder: Path, backbone: Path, video: Path, dtype: str | None = None) -> Run:
    """A project over one match; `folder` becomes, anew, the working directory."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    run = open_run(config_of(backbone, video, dtype))
    for script, target in (("list_videos", "videos.csv"), ("make_splits", "splits.csv")):
        importlib.import_module(script).main(run, table=f"results/{target}")
    return run


# --- memory ---------------------------------------------------------------------------------------


def measure_memory() -> None:
    """Peak memory beyond imports and model, for a half and for one twice as long."""
    found = {minutes: in_a_process(minutes) for minutes in (MINUTES, 2 * MINUTES)}
    most = {minutes: max(one["beyond_mb"] for one in by.values()) for minutes, by in found.items()}
    details = {f"{minutes} min": by for minutes, by in found.items()}
    Figure(
        "highlights_memory",
        f"memory beyond imports and model, {MINUTES} min, most of {' and '.join(MEASURED)}",
        most[MINUTES],
        unit="MB",
        limit=Limit(most=500),
        details=details,
    ).write()
    Figure(
        "highlights_memory_growth",
        f"memory beyond imports and model, {2 * MINUTES} min / {MINUTES} min",
        most[2 * MINUTES] / most[MINUTES],
        limit=Limit(most=1.1),
        details=details,
    ).write()


def in_a_process(minutes: int) -> dict[str, dict[str, float]]:
    """What `memory_of` says in a process of its own."""
    command = [sys.executable, "-m", "figures.highlights", "--memory", str(minutes)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def memory_of(backbone: Path, half: Path) -> dict[str, dict[str, float]]:
    """Peak memory of each stage, with its decoders', beyond what a short recording takes, in MB."""
    folder = SCRATCH / "highlights-memory"
    short = make_half(SHORT_S)
    decoders: dict[str, float] = {}
    threading.Thread(target=watch_children, args=(decoders,), daemon=True).start()
    run_stages(enter(folder / "short", backbone, short), STAGES[:4], 1)
    run = enter(folder / "long", backbone, half)
    run_stages(run, ("probe", "events"), 1)
    found = {}
    for stage in MEASURED:
        before = peak_mb("self")
        decoders.clear()
        taken = seconds(partial(run_stages, run, (stage,), 1))
        beyond = peak_mb("self") - before
        ffmpeg_mb = max(decoders.values(), default=0.0)
        found[stage] = {
            "beyond_mb": round(beyond + ffmpeg_mb, 1),
            "ffmpeg_mb": round(ffmpeg_mb, 1),
            "seconds": round(taken, 1),
        }
    return found


# --- the reel -------------------------------------------------------------------------------------


def measure_reel(half: Path) -> None:
    """Seconds for a reel of 40 segments."""
    lasted = reel_seconds(half, SEGMENTS, SEGMENT_S)
    Figure(
        "highlights_reel",
        f"reel of {SEGMENTS} segments of {SEGMENT_S} s from {MINUTES} min of {SIZE}",
        lasted,
        unit="s",
        limit=Limit(most=60),
        details={"processes": THREADS},
    ).write()


def reel_seconds(half: Path, count: int, length: int) -> float:
    """Wall time to make a reel of evenly spread segments."""
    found = probe(half, LIMITS)
    step = Fraction(found.duration_s - length) / max(count - 1, 1)
    cuts = [
        Cut(half, found, number * step, Fraction(length), 0 if found.audio_tracks else None)
        for number in range(count)
    ]

    def work() -> None:
        reel = make_reel(cuts, LIMITS, THREADS)
        if reel.remarks:
            raise SystemExit(f"the reel is not whole: {'; '.join(reel.remarks)}")
        reel.write(SCRATCH / "highlights-reel.mp4")

    return seconds(work)


# --- what is measured on --------------------------------------------------------------------------


def make_backbone() -> Path:
    """A ResNet-50 of the published size, made once."""
    folder = SCRATCH / "models" / "step_backbone"
    if not (folder / "model.safetensors").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_resnet50(folder, seed=1)
    return folder


def make_half(length: int) -> Path:
    """A half of so many seconds, made once, in a folder with a manifest that has it as a match.

    Two matches of some seconds are in the manifest, too: a run has three splits.
    """
    path = SCRATCH / f"half-{length}" / "half.mp4"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [["path", "match", "split", "events"], [path.name, "bench", "test", "events.csv"]]
        for seed, split in enumerate(("train", "val"), 2):
            render(path.with_name(f"{split}.mp4"), SHORT_S // 2, seed)
            rows.append([f"{split}.mp4", split, split, "events.csv"])
        with open(path.with_name("events.csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["time", "kind"], ["1", "Goal"]])
        with open(path.with_name("manifest.csv"), "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        render(path, length, seed=1)
    return path


def render(path: Path, length: int, seed: int) -> None:
    """A video with pink noise; it appears whole or not at all."""
    unfinished = path.with_suffix(".unfinished.mp4")
    source = ("-f", "lavfi", "-i")
    picture = (*source, f"testsrc2=size={SIZE}:rate={FPS}:duration={length}")
    noise = f"anoisesrc=color=pink:amplitude=0.3:sample_rate={HZ}:duration={length}:seed={seed}"
    sound = (*source, f"{noise},aformat=channel_layouts=stereo")
    encoded = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac")
    command = [binary(), "-nostdin", "-v", "error", "-y", *picture, *sound, *encoded]
    subprocess.run([*command, str(unfinished)], check=True)
    unfinished.replace(path)


if __name__ == "__main__":
    main()
