"""The generated audio of test clips next to what it must beat, for the reports of all systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.generated_audio import figures_of
from unmuted.evaluation.tested import TestedClips
from unmuted.samples.experiment import Clip
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.shared.baselines import Ridge, expected_class_sound
from unmuted.systems.shared.projection import Projection

FITS = ("projection", "baselines")  # what a report must declare to read, for `generation_figures`
STAGES = ("ast", "retrieved")  # of test clips; of training clips `ast` alone
TRUTH = "truth"  # of all clips, where it is known


def generation_figures(
    job: ReportJob, tested: TestedClips, generated: Mapping[str, np.ndarray], posterior: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Compute the figures of each generator's audio, as `figures_of`, with their baselines.

    generated: (S, N, T, A) of the test clips, by name. posterior: of a classifier that sees the
    picture alone, (S, N, C).
    """
    projection = Projection(**job.fits("projection")[ALL_TRAINING].tensors())
    real = np.stack([clip.audio(projection) for clip in tested.clips])
    baselines = _baselines(job, tested, posterior, projection)
    common = real, tested.usable, tested.labels, tested.bootstrap, baselines
    return {name: figures_of(audio, *common) for name, audio in generated.items()}


def _baselines(
    job: ReportJob, tested: TestedClips, posterior: np.ndarray, projection: Projection
) -> dict[str, np.ndarray]:
    """Return the audio (N, T, A), or (S, N, T, A), that each baseline has for the test clips."""
    fitted = job.fits("baselines")[ONLY_FIT].tensors()
    ridge = Ridge(**{name: fitted[name] for name in Ridge.__dataclass_fields__})
    visual = np.stack([clip.visual() for clip in tested.clips])
    found = {
        "expected_class_sound": expected_class_sound(posterior, fitted["class_sounds"]),
        "ridge": ridge.predict(visual),
        "knn": np.stack([clip.artifacts["retrieved"].tensors()["audio"] for clip in tested.clips]),
    }
    if job.is_generated:
        found["scene_mean"] = _scene_means(job, tested, projection)
    return found


def _scene_means(job: ReportJob, tested: TestedClips, projection: Projection) -> np.ndarray:
    """Return the mean training sound of each test clip's true scene per time step, (N, T, A).

    A scene is an object and what happens to it, as captions say it. Only the demo knows it. A scene
    without a training clip with sound gets the mean over all of them.
    """
    training = [clip for clip in tested.experiment.clips_for_fits() if clip.has_sound]
    truth = job.artifacts(TRUTH, [clip.video_id for clip in (*training, *tested.clips)])

    def scene_of(clip: Clip) -> tuple[str, str]:
        visible = truth[clip.video_id].json()["visible"]
        return visible["object"], visible["action"]

    sounds: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for clip in training:
        sounds[scene_of(clip)].append(clip.audio(projection))
    every = [sound for of_scene in sounds.values() for sound in of_scene]
    overall: np.ndarray = np.mean(every, axis=0)
    means: dict[tuple[str, str], np.ndarray] = {
        scene: np.mean(of_scene, axis=0) for scene, of_scene in sounds.items()
    }
    of_clips: list[np.ndarray] = [means.get(scene_of(clip), overall) for clip in tested.clips]
    return np.stack(of_clips)
