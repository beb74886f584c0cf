"""AST features of the sound of a shard's clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from unmuted.config.derived import time_steps
from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.silent import split_silent
from unmuted.media.wav import read_wav_file

if TYPE_CHECKING:
    import torch

    from unmuted.features.ast import AstResult


def extract(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Extract tokens (T, D), label scores and logits (527,) per task; nothing for a silent clip."""
    silent, with_audio = split_silent(tasks)
    yield from silent
    for name, features, dtype in sound_features(with_audio, job, lambda task: [own_sound(task)]):
        arrays = {
            "tokens": features.tokens,
            "scores": features.scores,
            "logits": features.logits,
        }
        how = {"mode": text_array(features.mode), "dtype": text_array(dtype)}
        yield Result(name, {**arrays, **how})


def own_sound(task: Task) -> np.ndarray:
    """Read the sound of a task, int16 (n,)."""
    return read_wav_file(task.inputs["wav"].checked_path())[0]


def sound_features(
    tasks: Sequence[Task], job: Job, sounds_of: Callable[[Task], Iterable[np.ndarray]]
) -> Iterator[tuple[str, AstResult, torch.dtype]]:
    """Yield the task's name, features and dtype of the model per sound, in order.

    sounds_of: returns the sounds int16 (n,) of a task. Without tasks no model is loaded.
    """
    if not tasks:
        return
    from unmuted.features.ast import AstFeatures
    from unmuted.inference.device import pick_dtype, use_device

    spec = job.model_spec("ast")
    device = use_device(job.config["device"], job.threads)
    dtype = pick_dtype(device, spec.dtype)
    settings = job.config["ast"]
    model = AstFeatures(spec, device, dtype, settings["batch_size"])
    sounds = ((task.name, sound) for task in tasks for sound in sounds_of(task))
    per_step = settings["passes"] == "per_step"
    for name, features in model.extract_clips(sounds, time_steps(job.config), per_step):
        yield name, features, dtype
