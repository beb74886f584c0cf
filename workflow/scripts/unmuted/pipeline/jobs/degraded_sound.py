"""AST features of what is left of the sound of a shard's tested clips, at levels of severity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from unmuted.config.derived import time_steps
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.features.silent import split_silent
from unmuted.media.wav import rms_db
from unmuted.pipeline.jobs.ast import own_sound, sound_features
from unmuted.samples.degraded_sound import Level, degrade, levels_of, lost_steps
from unmuted.samples.missing_audio import noise_waveform

TESTED = ("val", "test")  # splits whose clips lose sound to measure what that costs


def tested_videos(job: Job) -> dict[str, bool]:
    """Tell of each video of the job's shard whether a classifier is validated or tested on it."""
    splits = job.read_splits()
    return {video_id: splits.get(video_id) in TESTED for video_id in job.videos}


def extract(tasks: Sequence[Task], job: Job, is_tested: Mapping[str, bool]) -> Iterator[Result]:
    """Extract tokens of degraded sound per tested task with usable sound.

    `tokens` (L, T, D) and `lost_steps` (L, T) are of the levels of `degraded_sound.levels_of`;
    `replaced` (T, D) is of noise in place of the sound, as loud as it.
    """
    silent, with_audio = split_silent(tasks)
    yield from silent
    for task in with_audio:
        if not is_tested[task.name]:
            yield Result(task.name, None, "untested", "neither validated nor tested")
    missing, steps = job.config["missing"], time_steps(job.config)
    levels, seed = levels_of(missing), missing["seed"]
    tested = {task.name: task for task in with_audio if is_tested[task.name]}
    found: list[np.ndarray] = []
    sounds = partial(_sounds, levels=levels, seed=seed)
    for name, features, _ in sound_features(list(tested.values()), job, sounds):
        found.append(features.tokens)
        if len(found) > len(levels):
            lost = _lost_steps(tested[name], levels, seed, steps)
            arrays = {"replaced": found[0], "tokens": np.stack(found[1:])}
            yield Result(name, {**arrays, "lost_steps": lost.astype(np.uint8)})
            found = []


def _sounds(task: Task, levels: Sequence[Level], seed: int) -> Iterator[np.ndarray]:
    """Yield noise in place of the task's sound, then the sound at each level: int16 (n,)."""
    samples, key = own_sound(task), _key(task, seed)
    yield noise_waveform(len(samples), rms_db(samples), key)
    for level in levels:
        yield degrade(samples, level, key)


def _lost_steps(task: Task, levels: Sequence[Level], seed: int, steps: int) -> np.ndarray:
    length, key = len(own_sound(task)), _key(task, seed)
    return np.stack([lost_steps(length, level, key, steps) for level in levels])


def _key(task: Task, seed: int) -> str:
    """Return what tells a sound from others: its content, so that names do not matter."""
    return f"{seed} {task.inputs['wav'].row.digest}"
