"""AST features of noise as loud as the sound of each of a shard's clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.silent import split_silent
from unmuted.media.wav import read_wav_file, rms_db
from unmuted.samples.missing_audio import noise_waveform


def extract(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    """Extract tokens (T, D) of the noise per task; nothing for a clip without usable sound."""
    silent, with_audio = split_silent(tasks)
    yield from silent
    if with_audio:  # else no model is loaded
        yield from _extract_with_audio(with_audio, job)


def _extract_with_audio(tasks: Sequence[Task], job: Job) -> Iterator[Result]:
    from unmuted.features.ast import AstFeatures
    from unmuted.inference.device import pick_dtype, use_device

    spec = job.model_spec("ast")
    device = use_device(job.config["device"], job.threads)
    settings = job.config["ast"]
    dtype = pick_dtype(device, spec.dtype)
    model = AstFeatures(spec, device, dtype, settings["batch_size"])
    seed = job.config["missing"]["seed"]
    noises = ((task.name, noise_like(task, seed)) for task in tasks)
    per_step = settings["passes"] == "per_step"
    for name, features in model.extract_clips(noises, time_steps(job.config), per_step):
        yield Result(name, {"tokens": features.tokens})


def noise_like(task: Task, seed: int) -> np.ndarray:
    """Make noise int16 (n,) as long and as loud as the task's sound."""
    wav = task.inputs["wav"]
    samples = read_wav_file(wav.checked_path())[0]
    # Seeded by the sound itself, so that the noise does not depend on names.
    return noise_waveform(len(samples), rms_db(samples), f"{seed} {wav.row.digest}")
