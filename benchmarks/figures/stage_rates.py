"""Stages that run a model against the bare model: what the stage costs on top.

Both sides run as the workflow's jobs do, a process a core and one thread each, over the same clips.
Only the stage loads the model within the measured time. With names of STAGES as arguments, only
those are measured. BENCH_STAGE_CLIPS sets the number of clips on slow machines; with fewer clips,
loading weighs more.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch

from baselines.bare_models import BareAst, BareBlip, BareVit
from crew import Crew, Tasks, crew
from in_process import MEDIA, run_stages
from measure import Figure, Limit, ratios
from unmuted.engine.artifacts import read_json
from unmuted.engine.run import Run
from unmuted.inference.device import pick_dtype
from unmuted.media.images import decode_images
from unmuted.media.wav import read_wav_file
from workload import SCRATCH, THREADS, empty, enter_project, make_clips, published_size_models

REPEATS = 5
CLIPS = int(os.environ.get("BENCH_STAGE_CLIPS", "32"))  # of each process, on both sides
TRIED = 4  # clips with which the bare loop's batch sizes are tried
SIZES = (4, 8, 16, 32)  # batch sizes of which the bare loop takes the fastest: pictures
WINDOWS = (1, 2, 4)  # and windows of sound
PICTURES = 6  # that BLIP describes one at a time
CAPTIONS = {"max_new_tokens": 20}  # random weights never end a sentence
STAGES = ("vit", "ast", "captions")


def main(stages: Sequence[str] = STAGES) -> None:
    videos = make_clips(CLIPS)
    arguments = videos[0].parents[1], published_size_models(SCRATCH / "models")
    in_best = "bare model loop on ready tensors in the best dtype"
    if "vit" in stages:
        with crew(THREADS, prepare_vit, *arguments) as members:
            samples, details = measure(members, SIZES, "vit_rgb")
        counts = {"bare": 18 * CLIPS, "stage": 2 * 18 * CLIPS}  # one job makes both views
        what = f"ViT stage images/s / {in_best}"
        write("vit_stage", what, 0.95, samples, details, decides=True, counts=counts)
    if "ast" in stages:
        with crew(THREADS, prepare_ast, *arguments) as members:
            samples, details = measure(members, WINDOWS, "ast")
        write("ast_stage", f"AST stage clips/s / {in_best}", 0.95, samples, details)
    if "captions" in stages:
        with crew(THREADS, prepare_blip, *arguments) as members:
            samples, details = measure(members, (), "captions")
        counts = {"bare": PICTURES, "stage": pictures()}
        what = "captions/s, ours / one frame at a time in float32"
        write("captions", what, 3, samples, details | CAPTIONS, counts=counts)


def measure(
    members: Crew, sizes: Sequence[int], stage: str
) -> tuple[dict[str, list[float]], dict[str, object]]:
    """Seconds by side and clock, of the fastest bare loop and of the stage, in turns."""
    tried: dict[str, float] = {}
    for _ in range(2):  # the first call of each is slower
        for size in sizes:
            name = f"bare {size}"
            tried[name] = min(tried.get(name, math.inf), members.clocks(f"try {name}")["cpu"])
    bare = min(tried, key=tried.get) if tried else "bare"
    members.do("empty")
    samples: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        for side, task in (("bare", bare), ("stage", stage)):
            for clock, taken in members.clocks(task).items():
                samples.setdefault(f"{side} {clock} s", []).append(taken)
        members.do("empty")
    how = {"processes": THREADS, "threads of each": 1, "clips of each": CLIPS}
    dtype = str(best_dtype()).removeprefix("torch.")
    return samples, {"bare loop": bare, "bare loop tried, cpu s": tried, "dtype": dtype} | how


def write(
    name: str,
    what: str,
    least: float,
    samples: dict[str, list[float]],
    details: dict[str, object],
    decides: bool = False,
    counts: Mapping[str, int] = MappingProxyType({"bare": 1, "stage": 1}),
) -> None:
    """One figure by the wall clock and one by CPU time.

    counts: how much each side did; only the ratio matters.
    """
    limit = Limit(least=least)
    for suffix, clock, by in (("", "wall", ""), ("_cpu", "cpu", ", by CPU time")):
        bare, stage = samples[f"bare {clock} s"], samples[f"stage {clock} s"]
        rates = [one * counts["stage"] / counts["bare"] for one in ratios(bare, stage)]
        deciding = decides and clock == "wall"
        Figure(name + suffix, what + by, rates, "ratio", limit, deciding, samples, details).write()


# --- in each process ------------------------------------------------------------------------------


def prepare(number: int, videos: Path, models: dict[str, object]) -> Run:
    """A project with frames, sound and representative frames."""
    project = enter_project(
        SCRATCH / f"project-{number}", videos, models, CLIPS, threads=1, captions=CAPTIONS
    )
    run_stages(project, (*MEDIA, "representative_frames"), 1)
    return project


def stage_tasks(project: Run, *stages: str) -> Tasks:
    """Making these stages, which one job makes, under the name of the first."""
    work = partial(run_stages, project, stages, 1)
    return {stages[0]: work, "empty": partial(empty, *stages)}


def bare_tasks(model: BareVit | BareAst, ready: torch.Tensor, sizes: Sequence[int]) -> Tasks:
    """The bare loop over all that the stage does, and over a part, by batch size."""
    part = ready[: len(ready) * TRIED // CLIPS]
    whole = {f"bare {size}": partial(model.run, ready, size) for size in sizes}
    return whole | {f"try bare {size}": partial(model.run, part, size) for size in sizes}


def prepare_vit(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    project = prepare(number, videos, models)
    model = BareVit(Path(models["vit"]["path"]), best_dtype())
    ready = torch.cat([model.prepare(images) for images in frames(project)])
    return bare_tasks(model, ready, SIZES) | stage_tasks(project, "vit_rgb", "vit_flow")


def prepare_ast(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    project = prepare(number, videos, models)
    model = BareAst(Path(models["ast"]["path"]), best_dtype())
    wavs = list(project.store.artifacts("wav", project.dataset.videos).values())
    sounds = [read_wav_file(one.checked_path())[0] / np.float32(32768) for one in wavs]
    ready = model.prepare(sounds)
    return bare_tasks(model, ready, WINDOWS) | stage_tasks(project, "ast")


def prepare_blip(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    project = prepare(number, videos, models)
    model = BareBlip(Path(models["blip"]["path"]), CAPTIONS["max_new_tokens"])
    few = [images[0] for images in frames(project)[:PICTURES]]
    bare = {"bare": lambda: [model.caption(one) for one in few]}
    return bare | stage_tasks(project, "captions")


def best_dtype() -> torch.dtype:
    return pick_dtype(torch.device("cpu"))


def frames(project: Run) -> list[np.ndarray]:
    """Pictures uint8 (T, H, W, 3) of every clip."""
    found = project.store.artifacts("frames", project.dataset.videos).values()
    return [decode_images(one.tensors()) for one in found]


def pictures() -> int:
    """How many pictures a process of ours describes."""
    folder = SCRATCH / "project-0" / "results" / "representative_frames"
    return sum(len(read_json(path)["steps"]) for path in folder.glob("*/*.json"))


if __name__ == "__main__":
    main(sys.argv[1:] or STAGES)
