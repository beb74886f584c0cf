"""AST features of a shard's clips: of their own sound, and of noise in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from unmuted.config.derived import time_steps
from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.silent import split_silent
from unmuted.media.wav import read_wav_file, rms_db
from unmuted.samples.missing_audio import noise_waveform

if TYPE_CHECKING:
    import torch

    from unmuted.features.ast import AstResult


def extract(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Extract tokens (T, D), label scores and logits (527,) per task; nothing for a silent clip."""
    silent, with_audio = split_silent(tasks)
    yield from silent
    for name, features, dtype in _features(with_audio, job, own_sound):
        arrays = {
            "tokens": features.tokens,
            "scores": features.scores,
            "logits": features.logits,
        }
        how = {"mode": text_array(features.mode), "dtype": text_array(dtype)}
        yield Result(name, {**arrays, **how})


def extract_noise(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Extract tokens (T, D) of noise as loud as each task's sound; nothing for a silent clip."""
    silent, with_audio = split_silent(tasks)
    yield from silent
    for name, features, _ in _features(with_audio, job, partial(_noise, job=job)):
        yield Result(name, {"tokens": features.tokens})


def own_sound(task: Task) -> np.ndarray:
    """Read the sound of a task, int16 (n,)."""
    return read_wav_file(task.inputs["wav"].checked_path())[0]


def noise_like(task: Task, seed: int) -> np.ndarray:
    """Make noise int16 (n,) as long and as loud as the task's sound."""
    samples = own_sound(task)
    # Seeded by the sound itself, so that the noise does not depend on names.
    digest = task.inputs["wav"].row.digest
    return noise_waveform(len(samples), rms_db(samples), f"{seed} {digest}")


def _noise(task: Task, job: Job) -> np.ndarray:
    return noise_like(task, job.config["missing"]["seed"])


def _features(
    tasks: Sequence[Task], job: Job, sound_of: Callable[[Task], np.ndarray]
) -> Iterator[tuple[str, AstResult, torch.dtype]]:
    """Yield name, features and dtype of the model per task; without tasks no model is loaded."""
    if not tasks:
        return
    from unmuted.features.ast import AstFeatures
    from unmuted.inference.device import pick_dtype, use_device

    spec = job.model_spec("ast")
    device = use_device(job.config["device"], job.threads)
    dtype = pick_dtype(device, spec.dtype)
    settings = job.config["ast"]
    model = AstFeatures(spec, device, dtype, settings["batch_size"])
    sounds = ((task.name, sound_of(task)) for task in tasks)
    per_step = settings["passes"] == "per_step"
    for name, features in model.extract_clips(sounds, time_steps(job.config), per_step):
        yield name, features, dtype
