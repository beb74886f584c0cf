"""From a half of a match to its highlights: speed, memory, and a reel.

    python benchmarks/run.py highlights
    python -m figures.highlights --minutes 3 --speed-minutes 1    less of it, from this folder

The backbone has the published size of ResNet-50, and random weights, as has the spotter, of the
size that the configuration declares: how long they take does not depend on what they have learnt.
Two recordings are worked on side by side, a process a core, one thread each. Ratios by CPU time
stand among the details: on a busy machine they change less than those of wall time.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import torch

from baselines.source_highlights import score_half, windows_of
from crew import Tasks, crew
from figures.long_video_memory import peak_mb, watch_children
from half_of_a_match import FORMAT, LIMITS, SHORT_S, enter, make_backbone, make_half
from in_process import run_stages
from measure import RESULTS, Figure, Limit, has_amx, seconds
from unmuted.engine.run import Run
from unmuted.media.ffmpeg import binary
from unmuted.media.probe import probe
from unmuted.media.reel import Cut, make_reel
from unmuted.media.step_frames import StepFrames
from unmuted.models.architectures import load_backbone
from workload import SCRATCH, THREADS

STAGES = ("probe", "events", "step_visual", "step_sound", "spots", "match_highlights")
MEASURED = ("step_visual", "step_sound", "spots", "reels")  # memory must not grow with the length
STEPS_A_SECOND, SIDE = 5, 224
SOURCE_SECONDS = 60
BARE_PICTURES, BARE_BATCH = 256, 8
SEGMENTS, SEGMENT_S = 40, 13
PARTS = ("speed", "decoding", "memory", "reel")
KEYS = ("wall", "cpu")
GOALS = {"bfloat16": 10.0, "float32": 3.5}  # times real time


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    minutes: of the half. speed_minutes: of the one for the speed. dtypes: of the backbone, from the
    slowest on; those that the CPU is slow in are left out.
    """

    minutes: float
    speed_minutes: float
    backbone: Path
    dtypes: tuple[str, ...] = ("float32", "bfloat16")
    results: Path = RESULTS

    @property
    def fast_dtypes(self) -> tuple[str, ...]:
        """Those of the dtypes that this CPU multiplies itself."""
        return tuple(dtype for dtype in self.dtypes if dtype != "bfloat16" or has_amx())

    @property
    def is_reduced(self) -> bool:
        """Whether less is measured than the goals are about."""
        return self.minutes < 45 or self.speed_minutes < 45


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=45, help="of a half: memory and reel")
    parser.add_argument("--speed-minutes", type=float, default=45, help="of a half: speed")
    parser.add_argument("--backbone", type=Path, help="a folder; else a ResNet-50 is drawn")
    parser.add_argument("--dtypes", nargs="+", choices=GOALS, default=("float32", "bfloat16"))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--memory-of", action="store_true", help="measure it in this process")
    given = parser.parse_args(arguments)
    backbone = (given.backbone or make_backbone()).resolve()
    if given.memory_of:
        print(json.dumps(memory_of(backbone, make_half(60 * given.minutes))))
        return
    dtypes = tuple(given.dtypes)
    measure(Settings(given.minutes, given.speed_minutes, backbone, dtypes), given.parts)


def measure(settings: Settings, parts: Sequence[str] = PARTS) -> None:
    """Measure these parts, one after the other, and write their figures."""
    of_parts: dict[str, Callable[[Settings], list[Figure]]] = {
        "speed": speed_figures,
        "decoding": decoding_figures,
        "memory": memory_figures,
        "reel": reel_figures,
    }
    for part in parts:
        for figure in of_parts[part](settings):
            figure.write(settings.results)
            print(f"{figure.name}: {figure.value} {figure.unit}", flush=True)


def details_of(settings: Settings, minutes: float) -> dict[str, object]:
    return {
        "video": f"{FORMAT}, {minutes:g} min",
        "processes": THREADS,
        "backbone": json.loads((settings.backbone / "config.json").read_text())["architecture"],
        "reduced": settings.is_reduced,
    }


# --- speed ----------------------------------------------------------------------------------------


def speed_figures(settings: Settings) -> list[Figure]:
    """Times real time in each dtype; in the best, against the source's way and the bare model."""
    half = make_half(60 * settings.speed_minutes)
    dtypes = settings.fast_dtypes
    clocks: dict[str, dict[str, float]] = {}
    short = make_half(SOURCE_SECONDS)
    with crew(THREADS, prepare, settings.backbone, dtypes, half, short) as members:
        for dtype in dtypes:
            for task in ("ours", "bare", "see"):
                clocks[f"{task} {dtype}"] = members.clocks(f"{task} {dtype}")
        clocks["source"] = members.clocks("source")
    return [
        *(
            real_time_figure(settings, dtype, clocks.get(f"ours {dtype}"))
            for dtype in settings.dtypes
        ),
        source_figure(settings, dtypes[-1], clocks),
        see_figure(settings, dtypes[-1], clocks),
    ]


Clocks = Mapping[str, Mapping[str, float]]  # of tasks: seconds by wall clock and of CPU


def speed_details(settings: Settings, clocks: Clocks) -> dict[str, object]:
    return details_of(settings, settings.speed_minutes) | {"stages": STAGES, "seconds": clocks}


def real_time_figure(settings: Settings, dtype: str, clock: Mapping[str, float] | None) -> Figure:
    """Times real time in a dtype; unmeasured where the CPU has no AMX for it."""
    length = THREADS * 60 * settings.speed_minutes
    details = speed_details(settings, {} if clock is None else {f"ours {dtype}": clock})
    if clock is None:
        details["reason"] = "no AMX here"
    else:  # with every process on a core of its own
        details["by CPU time"] = length / clock["cpu"]
    return Figure(
        f"highlights_speed_{dtype}",
        f"media to highlights.csv, times real time, {THREADS} recordings side by side, {dtype}",
        None if clock is None else length / clock["wall"],
        unit="times",
        limit=Limit(least=GOALS[dtype]),
        decides=dtype == "bfloat16",
        details=details,
    )


def source_figure(settings: Settings, dtype: str, clocks: Clocks) -> Figure:
    """How much longer the source's way takes, which computes in float32."""
    scale = scale_of_source(60 * settings.speed_minutes)
    by = {clock: scale * clocks["source"][clock] / clocks[f"ours {dtype}"][clock] for clock in KEYS}
    return Figure(
        "highlights_source_way",
        f"media to scores by the source's way in float32 / media to highlights.csv in {dtype}",
        by["wall"],
        limit=Limit(least=10),
        details=speed_details(settings, clocks)
        | {
            "by CPU time": by["cpu"],
            "source's way": f"on {SOURCE_SECONDS} s, times {scale:.3g}",
        },
    )


def see_figure(settings: Settings, dtype: str, clocks: Clocks) -> Figure:
    """What the stage, which decodes, loads and writes, leaves of the model's pictures a second."""
    pictures = round(60 * settings.speed_minutes * STEPS_A_SECOND)
    share = pictures / BARE_PICTURES
    by = {
        one: {key: share * clocks[f"bare {one}"][key] / clocks[f"see {one}"][key] for key in KEYS}
        for one in settings.fast_dtypes
    }
    return Figure(
        "highlights_see_match",
        f"see_match pictures/s / bare model loop on ready tensors in {dtype}",
        by[dtype]["wall"],
        limit=Limit(least=0.9),
        details=speed_details(settings, clocks) | {"ratios": by, "pictures of a process": pictures},
    )


def scale_of_source(length: float) -> float:
    """How much more the source's way has to do for so many seconds than for SOURCE_SECONDS."""
    return windows_of(round(length * STEPS_A_SECOND)) / windows_of(SOURCE_SECONDS * STEPS_A_SECOND)


def prepare(number: int, backbone: Path, dtypes: Sequence[str], half: Path, short: Path) -> Tasks:
    """The tasks of one process."""
    pictures = torch.randn(BARE_PICTURES, 3, SIDE, SIDE).to(memory_format=torch.channels_last)
    exact = BareBackbone(backbone, torch.float32)
    tasks: dict[str, Callable[[], object]] = {"source": lambda: score_half(short, exact.model)}

    def find(dtype: str) -> None:
        run_stages(enter(folder_of(number, dtype), backbone, half, dtype), STAGES, 1)

    def see(folder: Path, run: Run) -> None:
        """The one stage alone; what it reads was made before."""
        os.chdir(folder)
        run_stages(run, ("step_visual",), 1)

    for dtype in dtypes:
        model = BareBackbone(backbone, getattr(torch, dtype))
        model.run(pictures[:BARE_BATCH])  # the first call is slower
        folder = folder_of(number, f"{dtype}-alone")
        run = enter(folder, backbone, half, dtype)
        run_stages(run, ("probe",), 1)
        tasks |= {
            f"ours {dtype}": partial(find, dtype),
            f"see {dtype}": partial(see, folder, run),
            f"bare {dtype}": partial(model.run, pictures),
        }
    return tasks


def folder_of(number: int, name: str) -> Path:
    return SCRATCH / f"highlights-{number}-{name}"


class BareBackbone:
    """A backbone on prepared pictures."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        model, _ = load_backbone(folder, "backbone")
        self.dtype = dtype
        self.model = model.eval().to(dtype).to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features float32 (N, F) of pixels (N, 3, 224, 224)."""
        batches = pixels.to(self.dtype).split(BARE_BATCH)
        return torch.cat([self.model(few).float() for few in batches])


# --- decoding -------------------------------------------------------------------------------------


def decoding_figures(settings: Settings) -> list[Figure]:
    """Reading the pictures of all steps, against ffmpeg that writes the same to nowhere."""
    half = make_half(60 * settings.speed_minutes)
    bare, ours = seconds(partial(decode_bare, half)), seconds(partial(decode_steps, half))
    return [
        Figure(
            "highlights_decoding",
            "pictures of all steps, our reader / bare ffmpeg with the same rate and size",
            ours / bare,
            limit=Limit(most=1.25),
            samples={"ours s": [ours], "bare ffmpeg s": [bare]},
            details=details_of(settings, settings.speed_minutes),
        )
    ]


def decode_steps(video: Path) -> int:
    """Read the pictures of all steps; returns how many."""
    found = probe(video, LIMITS)
    frames = StepFrames(video, found, STEPS_A_SECOND, (SIDE, SIDE), LIMITS)
    return sum(len(pictures) for pictures in frames)


def decode_bare(video: Path) -> None:
    """The same pictures by ffmpeg alone, with one thread as the reader has."""
    chosen = f"fps={STEPS_A_SECOND},scale={SIDE}:{SIDE},format=rgb24"
    command = [binary(), "-v", "error", "-threads", "1", "-i", str(video), "-vf", chosen]
    subprocess.run([*command, "-an", "-f", "rawvideo", os.devnull, "-y"], check=True)


# --- memory ---------------------------------------------------------------------------------------


def memory_figures(settings: Settings) -> list[Figure]:
    """Peak memory beyond imports and model, for a half and for one twice as long."""
    lengths = (settings.minutes, 2 * settings.minutes)
    found = [in_a_process(minutes, settings.backbone) for minutes in lengths]
    half, whole = ({stage: of[stage]["beyond_mb"] for stage in MEASURED} for of in found)
    growth = {stage: whole[stage] / half[stage] for stage in MEASURED}
    by_length = {f"{m:g} min": of for m, of in zip(lengths, found, strict=True)}
    details = details_of(settings, settings.minutes) | {"memory": by_length, "growth": growth}
    named = f"{settings.minutes:g} min"
    return [
        Figure(
            "highlights_memory",
            f"memory beyond imports and model, {named}, most of {', '.join(MEASURED)}",
            max(half.values()),
            unit="MB",
            limit=Limit(most=500),
            details=details,
        ),
        Figure(
            "highlights_memory_growth",
            f"memory beyond imports and model, twice as long / {named}, most of the stages",
            max(growth.values()),
            limit=Limit(most=1.1),
            details=details,
        ),
    ]


def in_a_process(minutes: float, backbone: Path) -> dict[str, dict[str, float]]:
    """What `memory_of` says in a process of its own."""
    command = [sys.executable, "-m", "figures.highlights", "--memory-of"]
    command += ["--minutes", str(minutes), "--backbone", str(backbone)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[1]
    )
    return json.loads(done.stdout.splitlines()[-1])


def memory_of(backbone: Path, half: Path) -> dict[str, dict[str, float]]:
    """Peak memory of each stage with its decoders, beyond imports and model, in MB.

    Imports are in memory after a short recording went through all stages; a model counts as much as
    its weights in their file.
    """
    folder = SCRATCH / "highlights-memory"
    ffmpeg_peaks: dict[str, float] = {}
    threading.Thread(target=watch_children, args=(ffmpeg_peaks,), daemon=True).start()
    run_stages(enter(folder / "short", backbone, make_half(SHORT_S)), (*STAGES, "reels"), 1)
    idle = restart_peak()
    weights = {"step_visual": (backbone / "model.safetensors").stat().st_size / 1e6}
    run = enter(folder / "long", backbone, half)
    found = {}
    for stage in (*STAGES, "reels"):
        restart_peak()
        ffmpeg_peaks.clear()
        taken = seconds(partial(run_stages, run, (stage,), 1))
        decoders = max(ffmpeg_peaks.values(), default=0.0)
        found[stage] = {
            "beyond_mb": round(peak_mb("self") - idle - weights.get(stage, 0.0) + decoders, 1),
            "ffmpeg_mb": round(decoders, 1),
            "seconds": round(taken, 1),
        }
    return found


def restart_peak() -> float:
    """Give free memory back and let the peak begin anew; returns what the process holds, in MB."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_mb("self")


# --- the reel -------------------------------------------------------------------------------------


def reel_figures(settings: Settings) -> list[Figure]:
    """Seconds for a reel of 40 segments."""
    length = min(SEGMENT_S, 60 * settings.minutes / 3)
    lasted = reel_seconds(make_half(60 * settings.minutes), SEGMENTS, length)
    return [
        Figure(
            "highlights_reel",
            f"reel of {SEGMENTS} segments of {length:g} s from {settings.minutes:g} min",
            lasted,
            unit="s",
            limit=Limit(most=60),
            details=details_of(settings, settings.minutes),
        )
    ]


def reel_seconds(half: Path, count: int, length: float) -> float:
    """Wall time to make a reel of evenly spread segments."""
    found = probe(half, LIMITS)
    step = (Fraction(found.duration_s) - Fraction(length)) / max(count - 1, 1)
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


if __name__ == "__main__":
    main()
