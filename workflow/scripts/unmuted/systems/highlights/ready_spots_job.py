"""Spots of the recordings of a shard without any training: by a ready spotter, or by loudness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unmuted.config.highlights import StretchSettings
from unmuted.engine.executor import Result, Task
from unmuted.engine.job import Job
from unmuted.samples.experiment import Clip
from unmuted.samples.folds import has_seen
from unmuted.systems.highlights.arms import LOUDNESS
from unmuted.systems.highlights.found import LOUD
from unmuted.systems.highlights.loudness import LOUD_SHARE, WINDOW
from unmuted.systems.highlights.spot_arrays import pack_spots
from unmuted.systems.highlights.spots_job import (
    TRAINED_ON,
    highlight_spots,
    logits_name,
    loudness_arrays,
)
from unmuted.systems.highlights.spotter_config import check_kinds, grid_of, spotter_path

if TYPE_CHECKING:
    from unmuted.systems.highlights.spotter_folder import TrainedSpotter

NO_SOUND = "no sound: no highlights can be found without a trained spotter"


def ready_spotter(job: Job) -> TrainedSpotter:
    """Read the spotter in `highlights.spotter.path`. Raises UserError as `load_spotter` does."""
    from unmuted.systems.highlights.spotter_folder import load_spotter

    folder = spotter_path(job.config["highlights"])
    backbone = job.model_identity("step_backbone")
    spotter = load_spotter(folder, backbone, grid_of(job.config["steps"]))
    check_kinds(folder, spotter.kinds, job.config["matches"]["kinds"])
    return spotter


def trained_on(spotter: TrainedSpotter, clips: Mapping[str, Clip]) -> dict[str, bool]:
    """Tell of each recording whether the spotter was trained or chosen on its match.

    clips: all recordings of their matches. A match is known by the content of any of its
    recordings, wherever the file lies, and by its name, under which there may be another recording.
    """
    known = list(clips.values())
    seen = has_seen(spotter.read, [clip.key for clip in known], [clip.group for clip in known])
    matches = {clip.group for clip, is_seen in zip(known, seen, strict=True) if is_seen}
    return {name: clip.group in matches for name, clip in clips.items()}


def spot_with(
    tasks: Sequence[Task],
    clips: Mapping[str, Clip],
    spotter: TrainedSpotter,
    known: Mapping[str, bool],
    job: Job,
) -> Iterator[Result]:
    """Score the recordings of a shard with a ready spotter, as `spot_shard` does.

    known: as `trained_on` tells.
    """
    from unmuted.inference.device import use_device
    from unmuted.systems.highlights.inference import score_steps, sound_input
    from unmuted.systems.highlights.loading import load_recording, recording_halves
    from unmuted.systems.highlights.training import load_spotter_state

    device = str(use_device(job.config["device"], job.threads))
    rate = job.config["steps"]["rate"]
    stretches = StretchSettings.of(job.config["highlights"]["inference"])
    models = [load_spotter_state(state, device) for state, _ in spotter.seeds]
    ensemble = spotter.ensemble()
    for task in tasks:
        clip = clips[task.name]
        recording = load_recording(
            clip, spotter.projection, list(spotter.kinds), spotter.sound_scale, reads_events=False
        ).recording
        sound = sound_input(recording, None)
        logits = np.stack(
            [score_steps(model, recording, sound, rate, stretches, device) for model in models]
        )
        arrays = _common(clip, recording, rate, known[task.name])
        arrays[logits_name(spotter.arm.name)] = logits.astype(np.float16)
        halves = recording_halves(clip)
        spots = highlight_spots(arrays, ensemble, spotter.arm, spotter.kinds, halves, rate)
        yield Result(task.name, {**arrays, **spots})


def spot_by_loudness(
    tasks: Sequence[Task], clips: Mapping[str, Clip], job: Job
) -> Iterator[Result]:
    """Find where recordings are loud; a recording without sound has no spots."""
    from unmuted.systems.highlights.loading import SOUND, load_silent, recording_halves
    from unmuted.systems.highlights.spotting import recording_spots

    rate = job.config["steps"]["rate"]
    for task in tasks:
        clip = clips[task.name]
        recording = load_silent(clip)
        arrays = _common(clip, recording, rate, is_trained_on=False)
        scores, halves = arrays[LOUDNESS][:, None], recording_halves(clip)
        found = recording_spots(
            scores, recording.has_sound, (LOUD,), halves, rate, WINDOW, LOUD_SHARE
        )
        spots = {
            **pack_spots(sorted(found), (LOUD,)),
            "scores": scores.astype(np.float32),
            "thresholds": np.array([np.float32(LOUD_SHARE)], np.float64),
        }
        if SOUND not in clip.artifacts or not recording.has_sound.any():
            yield Result(task.name, None, "no_sound", NO_SOUND)
        else:
            yield Result(task.name, {**arrays, **spots})


def _common(clip: Clip, recording: Any, rate: float, is_trained_on: bool) -> dict[str, np.ndarray]:
    arrays = {"shown": recording.shown, "has_sound": recording.has_sound}
    return {
        **arrays,
        **loudness_arrays(clip, recording, rate),
        TRAINED_ON: np.array([is_trained_on]),
        "rate": np.array([rate], np.float64),
    }
