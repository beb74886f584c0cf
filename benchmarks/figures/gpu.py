"""Where there is a GPU: rates of ViT, AST and BLIP, their share of its peak, and how long it idles.

Without one, the figures are written as unmeasured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from in_process import FEATURES, MEDIA, run_stages
from measure import Figure, seconds
from unmuted.features.ast import AstFeatures
from unmuted.features.captions import Captioner
from unmuted.features.vit import VitFeatures
from unmuted.inference.device import pick_device, pick_dtype
from unmuted.models.loading import ModelSpec
from workload import SCRATCH, empty, enter_project, make_clips, published_size_models

REPEATS = 3
CLIPS = 256
STEPS, SECONDS = 18, 3
TOKENS = 20  # of a caption: random weights never end a sentence
MATRIX = 8192  # of the product that tells what the GPU can do
NAMES = {
    "gpu_vit": "ViT images/s on the GPU, stage from decoded frames",
    "gpu_ast": "AST clips/s on the GPU, stage from sound",
    "gpu_blip": "BLIP captions/s on the GPU, stage from decoded frames",
    "gpu_clips": "clips/s on the GPU, media and feature stages end to end, one process",
}


def main() -> None:
    device = pick_device("auto")
    if device.type != "cuda":
        for name, what in NAMES.items():
            Figure(name, what, None, "per s", details={"reason": "no GPU here"}).write()
        return
    models = published_size_models(SCRATCH / "models")
    peak = matrix_flops(device, pick_dtype(device))
    for name, (work, count, flops) in workloads(models, device).items():
        work()  # kernels are chosen and memory is taken
        taken = [seconds(work) for _ in range(REPEATS)]
        wall = statistics.median(taken)
        details = {
            "share of peak": count * flops / wall / peak,
            "peak, as a product of matrices reaches it, TFLOP/s": peak / 1e12,
            "GPU idle share": idle_share(work),
        }
        rates = [count / one for one in taken]
        Figure(name, NAMES[name], rates, "per s", details=details).write()
    rates = [clips_a_second(models) for _ in range(REPEATS)]
    Figure("gpu_clips", NAMES["gpu_clips"], rates, "per s").write()


def workloads(
    models: dict[str, dict[str, str]], device: torch.device
) -> dict[str, tuple[Callable[[], object], int, float]]:
    """By figure: the work of a stage, how many things it does, and the operations of one."""
    dtype = pick_dtype(device)
    spec = {role: ModelSpec(path=Path(models[role]["path"])) for role in ("vit", "ast", "blip")}
    vit = VitFeatures(spec["vit"], device, dtype)
    ast = AstFeatures(spec["ast"], device, dtype)
    blip = Captioner(spec["blip"], device, dtype, TOKENS)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (STEPS, 256, 340, 3), dtype=np.uint8)
    sound = rng.normal(0, 3000, SECONDS * 16_000).astype(np.int16)
    clips = [(str(i), frames) for i in range(CLIPS)]
    few = [(str(i), frames[:6]) for i in range(CLIPS)]
    sounds = [(str(i), sound) for i in range(CLIPS)]
    return {
        "gpu_vit": (
            lambda: list(vit.extract_clips(clips)),
            CLIPS * STEPS,
            operations(lambda: vit.extract(frames), len(frames), vit.batch_size),
        ),
        "gpu_ast": (
            lambda: list(ast.extract_clips(sounds, STEPS)),
            CLIPS,
            operations(lambda: ast.extract(sound, STEPS), 1, ast.batch_size),
        ),
        "gpu_blip": (
            lambda: list(blip.caption_clips(few)),
            CLIPS * 6,
            operations(lambda: blip.caption(frames[:6]), 6, blip.batch_size),
        ),
    }


def operations(work: Callable[[], object], count: int, batch: int) -> float:
    """Floating-point operations of one of `count` rows, which fill `batch` rows at a time."""
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops() / (-(-count // batch) * batch)


def matrix_flops(device: torch.device, dtype: torch.dtype, size: int = MATRIX) -> float:
    """Operations a second of a product of large matrices."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    for _ in range(3):
        a @ b
    _finish(device)
    started = time.perf_counter()
    for _ in range(10):
        a @ b
    _finish(device)
    return 10 * 2 * size**3 / (time.perf_counter() - started)


def idle_share(work: Callable[[], object]) -> float:
    """Share of the wall time in which no kernel ran on any stream."""
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        wall = seconds(work)
    kernels = [event.time_range for event in found.events() if is_kernel(event)]
    busy = covered((one.start, one.end) for one in kernels) / 1e6
    return max(0.0, 1 - busy / wall)


def is_kernel(event: FunctionEvent) -> bool:
    """Whether the GPU computed meanwhile: copying and filling memory keep it from nothing."""
    return event.device_type == DeviceType.CUDA and event.activity_type == "kernel"


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals (start, end): what several cover counts once."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def clips_a_second(models: dict[str, object]) -> float:
    """Media and feature stages over a shard of clips, one after the other."""
    videos = make_clips(CLIPS)
    project = enter_project(SCRATCH / "gpu", videos[0].parents[1], models, CLIPS)
    stages = (*MEDIA, *FEATURES)
    empty(*stages)
    return CLIPS / seconds(partial(run_stages, project, stages, 2))


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
