"""Stages that run a model against the bare model: what the stage costs on top.

Both sides run as the workflow's jobs do: a process a core, one thread each.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch

from baselines.bare_models import BareAst, BareBlip, BareVit
from crew import Crew, Tasks, crew
from in_process import MEDIA, run_stages
from measure import Figure, Limit, alternate, ratios
from unmuted.engine.artifacts import read_json
from unmuted.engine.project import Project
from unmuted.features.device import pick_dtype
from unmuted.media.images import decode_images
from unmuted.media.wav import read_wav_file
from workload import SCRATCH, THREADS, empty, enter_project, make_clips, published_size_models

REPEATS = 3
CLIPS = 32  # of each process of ours, in one shard; loading the model counts
READY = 8  # clips of which the bare loop has the tensors ready
SIZES = (4, 8, 16, 32)  # batch sizes of which the bare loop takes the fastest: pictures
WINDOWS = (1, 2, 4)  # and windows of sound
PICTURES = 6  # that BLIP describes one at a time
CAPTIONS = {"max_new_tokens": 20}  # random weights never end a sentence


def main() -> None:
    videos = make_clips(CLIPS)
    arguments = videos[0].parents[1], published_size_models(SCRATCH / "models")
    in_best = "bare model loop on ready tensors in the best dtype"
    with crew(THREADS, prepare_vit, *arguments) as members:
        samples, details = measure(members, [f"bare {size}" for size in SIZES], "vit_rgb")
        counts = {"bare": 18 * READY, "ours": 2 * 18 * CLIPS}  # ours: both views in one job
        rates = {side: rate(samples[side], counts[side]) for side in counts}
        write("vit_stage", f"ViT stage images/s / {in_best}", 0.90, rates, details, decides=True)
    with crew(THREADS, prepare_ast, *arguments) as members:
        samples, details = measure(members, [f"bare {size}" for size in WINDOWS], "ast")
        counts = {"bare": READY, "ours": CLIPS}
        rates = {side: rate(samples[side], counts[side]) for side in counts}
        write("ast_stage", f"AST stage clips/s / {in_best}", 0.90, rates, details)
    with crew(THREADS, prepare_blip, *arguments) as members:
        samples, details = measure(members, ["bare"], "captions")
        rates = {"bare": rate(samples["bare"], PICTURES), "ours": rate(samples["ours"], pictures())}
        what = "captions/s, ours / one frame at a time in float32"
        write("captions", what, 3, rates, details | CAPTIONS)


def measure(
    members: Crew, bare: list[str], stage: str
) -> tuple[dict[str, list[float]], dict[str, object]]:
    """Seconds of the fastest bare loop and of the stage, in turns."""
    members.do(bare[0])  # the first call is slower
    fastest = min(bare, key=members.do)
    members.do("empty")

    def ours() -> float:
        members.do("empty")
        return members.do(stage)

    samples = alternate(REPEATS, bare=lambda: members.do(fastest), ours=ours)
    return samples, {"bare loop": fastest, "processes": THREADS, "threads of each": 1}


def rate(seconds: list[float], count: int) -> list[float]:
    """Of all processes together, when each does `count`."""
    return [THREADS * count / one for one in seconds]


def write(
    name: str,
    what: str,
    least: float,
    rates: dict[str, list[float]],
    details: dict[str, object],
    decides: bool = False,
) -> None:
    value = ratios(rates["ours"], rates["bare"])
    Figure(name, what, value, "ratio", Limit(least=least), decides, rates, details).write()


# --- in each process ------------------------------------------------------------------------------


def prepare(number: int, videos: Path, models: dict[str, object]) -> Project:
    """A project with frames, sound and representative frames."""
    project = enter_project(
        SCRATCH / f"project-{number}", videos, models, CLIPS, threads=1, captions=CAPTIONS
    )
    run_stages(project, (*MEDIA, "representative_frames"), 1)
    return project


def stage_tasks(project: Project, *stages: str) -> Tasks:
    """Making these stages, which one job makes, under the name of the first."""
    work = partial(run_stages, project, stages, 1)
    return {stages[0]: work, "empty": partial(empty, *stages)}


def prepare_vit(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    project = prepare(number, videos, models)
    model = BareVit(Path(models["vit"]["path"]), best_dtype())
    ready = torch.cat([model.prepare(images) for images in frames(project)[:READY]])
    bare = {f"bare {size}": partial(model.run, ready, size) for size in SIZES}
    return bare | stage_tasks(project, "vit_rgb", "vit_flow")


def prepare_ast(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    project = prepare(number, videos, models)
    model = BareAst(Path(models["ast"]["path"]), best_dtype())
    wavs = list(project.artifacts("wav", project.videos).values())[:READY]
    sounds = [read_wav_file(one.checked_path())[0] / np.float32(32768) for one in wavs]
    ready = model.prepare(sounds)
    bare = {f"bare {size}": partial(model.run, ready, size) for size in WINDOWS}
    return bare | stage_tasks(project, "ast")


def prepare_blip(number: int, videos: Path, models: dict[str, object]) -> Tasks:
    project = prepare(number, videos, models)
    model = BareBlip(Path(models["blip"]["path"]), CAPTIONS["max_new_tokens"])
    few = [images[0] for images in frames(project)[:PICTURES]]
    bare = {"bare": lambda: [model.caption(one) for one in few]}
    return bare | stage_tasks(project, "captions")


def best_dtype() -> torch.dtype:
    return pick_dtype(torch.device("cpu"))


def frames(project: Project) -> list[np.ndarray]:
    """Pictures uint8 (T, H, W, 3) of every clip."""
    found = project.artifacts("frames", project.videos).values()
    return [decode_images(one.tensors()) for one in found]


def pictures() -> int:
    """How many pictures a process of ours describes."""
    folder = SCRATCH / "project-0" / "results" / "representative_frames"
    return sum(len(read_json(path)["steps"]) for path in folder.glob("*/*.json"))


if __name__ == "__main__":
    main()
