"""The truth about a clip: saved next to it, never read by the workflow's models."""

from __future__ import annotations

from unmuted.demo_world.motion import ActionTimeline
from unmuted.demo_world.plan import ClipSpec
from unmuted.demo_world.vocabulary import SCENES, caption, class_named


def describe(spec: ClipSpec, timeline: ActionTimeline) -> dict:
    """Return the clip's truth as JSON-able values; timeline: of its sound.

    `event_times` are the seconds at which sounds start (impacts are seen at these times, but not in
    the negative control), also where the clip's sound is missing; `audio_labels` are AudioSet
    display names, the class's own label first; `visible` holds what a frame can show.
    """
    return {
        "video_id": spec.video_id,
        "label": spec.label,
        "split": spec.split,
        "group": spec.group,
        "audio": spec.audio,
        "caption": caption(spec.scene, spec.object, spec.colour, spec.background, spec.cue),
        "sounding_object": spec.object,
        "event_times": [round(float(time), 4) for time in timeline.events],
        "sounding_spans": [[round(a, 4), round(b, 4)] for a, b in timeline.spans],
        "audio_labels": list(class_named(spec.label).audio_labels),
        "visible": {
            "object": spec.object,
            "colour": spec.colour,
            "background": spec.background,
            "action": SCENES[spec.scene].action,
            "cue": spec.cue,
        },
    }
