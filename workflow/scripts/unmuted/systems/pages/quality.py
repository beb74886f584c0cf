"""How often a retrieved sound is heard as the clip's own: the quality of previews, against chance.

Measured on test clips with usable sound. Nothing is chosen on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unmuted.engine.job import ReportJob
from unmuted.evaluation.bootstrap import GroupBootstrap, interval
from unmuted.evaluation.outputs import Output
from unmuted.evaluation.provenance import provenance
from unmuted.evaluation.tested import TestedClips, load_tested
from unmuted.samples.fits import ALL_TRAINING, ONLY_FIT
from unmuted.systems.pages.sound_library import Nearest, SoundLibrary
from unmuted.systems.shared.projection import Projection

SCHEMA_VERSION = 1
STAGES = ("ast", "generated")


def contents(job: ReportJob) -> dict[str, Output]:
    """Compare the label of highest score in each test clip with that of its retrieved sound."""
    tested = load_tested(job, STAGES)
    library = SoundLibrary(job.fits("sound_library")[ONLY_FIT])
    projection = Projection(**job.fits("projection")[ALL_TRAINING].tensors())
    generated = np.stack(
        [clip.artifacts["generated"].tensors()["audio"].mean(axis=0) for clip in tested.clips]
    )
    real = np.stack([clip.audio(projection) for clip in tested.clips])
    heard = np.array(
        [
            clip.artifacts["ast"].tensors()["scores"].argmax() if clip.has_sound else -1
            for clip in tested.clips
        ]
    )
    quality = measure(tested, library, heard, {"generated": generated, "real": real})
    report = {
        "schema_version": SCHEMA_VERSION,
        "system": "preview_quality",
        "library": {
            "sounds": len(library.sounds),
            "groups": len({sound.group for sound in library.sounds}),
        },
        **quality,
        "statistics": {"intervals": _INTERVALS, "resamples": job.config["bootstrap"]["resamples"]},
        "provenance": provenance(job, tested.video_ids),
    }
    return {"metrics": report}


_INTERVALS = (
    "95 % percentile bootstrap over the source groups of test clips, stratified by class; the "
    "sounds of the library and the seeds of the generators are given"
)


def measure(
    tested: TestedClips,
    library: SoundLibrary,
    heard: np.ndarray,
    audio: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Return agreement, chance and their difference with intervals, of test clips with sound.

    heard: int (N,), index of the label that AST gives the highest score in a clip's real sound.
    audio: (N, T, A) by "generated" and "real", which is a reference and no bound: another feature
    may find a sound of the same label more often. Values are null where no test clip has usable
    sound. test_groups: source groups of the clips; with few of them intervals mean nothing.
    """
    keys = [clip.key for clip in tested.clips]
    groups = [clip.group for clip in tested.clips]
    labels = np.array([sound.heard for sound in library.sounds])
    allowed = [library.allowed(*of) for of in zip(keys, groups, strict=True)]
    found = {name: library.nearest(of, keys, groups) for name, of in audio.items()}
    usable = tested.usable & np.array([of.any() for of in allowed])
    if not usable.any():
        return {
            "clips": 0,
            "test_groups": 0,
            **dict.fromkeys((*found, "chance", "difference", "cosine")),
        }
    chance = np.array(
        [
            (labels[of] == own).mean() if of.any() else 0.0
            for of, own in zip(allowed, heard, strict=True)
        ]
    )
    agrees = {name: _agreement(of, heard) for name, of in found.items()}
    cosine = np.array([0.0 if one is None else one.cosine for one in found["generated"]])
    shares = {
        **agrees,
        "chance": chance,
        "difference": agrees["generated"] - chance,
        "cosine": cosine,
    }
    of_shares = {name: _mean(of, usable, tested.bootstrap) for name, of in shares.items()}
    in_test = {group for group, is_usable in zip(groups, usable, strict=True) if is_usable}
    return {"clips": int(usable.sum()), "test_groups": len(in_test), **of_shares}


def _agreement(found: list[Nearest | None], heard: np.ndarray) -> np.ndarray:
    """Return whether each retrieved sound has the label that is heard in the clip, float (N,)."""
    return np.array(
        [
            one is not None and one.sound.heard == own
            for one, own in zip(found, heard.tolist(), strict=True)
        ],
        dtype=np.float64,
    )


def _mean(values: np.ndarray, usable: np.ndarray, bootstrap: GroupBootstrap) -> dict[str, Any]:
    """Return the mean of values (N,) over the usable clips, with its interval."""
    counted = usable.astype(float)
    sums = bootstrap.sums(np.stack([values * counted, counted], axis=1))
    sums = sums[sums[:, 1] > 0]
    return {
        "value": float((values * counted).sum() / counted.sum()),
        "ci95": list(interval(sums[:, 0] / sums[:, 1])),
    }
