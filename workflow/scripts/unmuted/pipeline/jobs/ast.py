"""AST features and AudioSet scores of the sound of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmuted.config.derived import time_steps
from unmuted.engine.artifacts import text_array
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.silent import split_silent
from unmuted.media.wav import read_wav_file


def extract(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Extract tokens (T, D), label scores and logits (527,) per task; nothing for a silent clip."""
    silent, with_audio = split_silent(tasks)
    yield from silent
    if with_audio:  # else no model is loaded
        yield from _extract_with_audio(with_audio, job)


def _extract_with_audio(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    from unmuted.features.ast import AstFeatures
    from unmuted.inference.device import pick_dtype, use_device

    spec = job.model_spec("ast")
    device = use_device(job.config["device"], job.threads)
    dtype = pick_dtype(device, spec.dtype)
    settings = job.config["ast"]
    model = AstFeatures(spec, device, dtype, settings["batch_size"])
    sounds = ((task.name, read_wav_file(task.inputs["wav"].checked_path())[0]) for task in tasks)
    per_step = settings["passes"] == "per_step"
    for name, features in model.extract_clips(sounds, time_steps(job.config), per_step):
        arrays = {
            "tokens": features.tokens,
            "scores": features.scores,
            "logits": features.logits,
        }
        how = {"mode": text_array(features.mode), "dtype": text_array(dtype)}
        yield Result(name, {**arrays, **how})
