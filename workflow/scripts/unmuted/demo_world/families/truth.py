"""What is true of a clip of a family: which pixels sound in which second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unmuted.demo_world.families.plan import FamilyClipSpec
from unmuted.demo_world.families.render import A, B, render_pictures, timeline_of
from unmuted.demo_world.families.sound import make_soundtrack
from unmuted.demo_world.vocabulary import SCENES, caption, class_named


@dataclass(frozen=True)
class FamilyTruth:
    """Of every second: objects uint8 (K, H, W), whose pixels are in its picture.

    heard: bool (K, 2), whether a and b can be heard in it.
    """

    objects: np.ndarray
    heard: np.ndarray

    @property
    def masks(self) -> np.ndarray:
        """The pixels of what sounds, bool (K, H, W)."""
        marks = zip((A, B), self.heard.T, strict=True)
        return np.any(
            [(self.objects == mark) & heard[:, None, None] for mark, heard in marks], axis=0
        )


def family_truth(
    spec: FamilyClipSpec, times: Sequence[float], silence_db: float = -60.0
) -> FamilyTruth:
    """Return the truth of a clip.

    times: of the picture of each second. silence_db: an object sounds in a second in which the
    level of its sound alone, in dB of full scale, is no lower.
    """
    track = make_soundtrack(spec)
    heard = np.stack([track.is_heard(each, silence_db) for each in (spec.a, spec.b)], axis=1)
    last = spec.frame_count - 1
    indices = [min(round(time * spec.rate), last) for time in times]
    return FamilyTruth(render_pictures(spec, indices)[1], heard[: len(indices)])


def describe(spec: FamilyClipSpec) -> dict[str, Any]:
    """Return the clip's truth as JSON-able values, without masks.

    The keys are those of `unmuted.demo_world.truth.describe`; what is visible is object a, unless
    b sounds.
    """
    shown = spec.b if spec.soundtrack == "b" else spec.a
    sounding = spec.sounding
    lines = [timeline_of(each, spec.seconds) for each in sounding]
    audio_labels = [label for each in sounding for label in class_named(each.label).audio_labels]
    return {
        "video_id": spec.video_id,
        "label": spec.label,
        "split": spec.split,
        "group": spec.group,
        "audio": "ok" if sounding else "silent",
        "caption": caption(shown.scene, shown.object, shown.colour, spec.background),
        "sounding_object": ", ".join(each.object for each in sounding if each.object),
        "event_times": sorted(round(float(time), 4) for line in lines for time in line.events),
        "sounding_spans": [
            [round(start, 4), round(end, 4)] for line in lines for start, end in line.spans
        ],
        "audio_labels": list(dict.fromkeys(audio_labels)),
        "visible": {
            "object": shown.object,
            "colour": shown.colour,
            "background": spec.background,
            "action": SCENES[shown.scene].action,
            "cue": False,
        },
    }
