"""Recordings of a run from the artifacts of their stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unmuted.dataset.events import Event
from unmuted.engine.ledger import OK
from unmuted.errors import UserError
from unmuted.samples.experiment import Clip, SampleStages
from unmuted.systems.highlights.recordings import FileRows, HalfStart, Moment, Recording
from unmuted.systems.highlights.spotting import LabelledRecording
from unmuted.systems.highlights.step_sound import project
from unmuted.systems.shared.projection import Projection

VISUAL, SOUND, EVENTS = "step_visual", "step_sound", "events"
STEPS = SampleStages(required=(VISUAL,), content=(VISUAL,))  # what a sample needs
SOURCES = "step_sources"  # the stage of the source groups of its samples


def has_sound(clip: Clip) -> bool:
    """Return whether some step of a recording has sound, by the status of its sound."""
    return SOUND in clip.artifacts and clip.artifacts[SOUND].row.status in (OK, "damaged")


def load_recordings(
    clips: Sequence[Clip], projection: Projection, kinds: Sequence[str], scale: str
) -> list[LabelledRecording]:
    """Read recordings with their events. Raises UserError for features that do not fit together.

    The picture stays in its file and the projected sound lies in a temporary one.
    """
    recordings = [load_recording(clip, projection, kinds, scale) for clip in clips]
    widths = {labelled.recording.visual.shape[1] for labelled in recordings}
    if len(widths) > 1:
        raise UserError(f"step features of {sorted(widths)} numbers, expected one width")
    return recordings


def load_recording(
    clip: Clip,
    projection: Projection,
    kinds: Sequence[str],
    scale: str,
    reads_events: bool = True,
) -> LabelledRecording:
    """Read one recording; without its events where these are of other kinds, or are not needed."""
    picture = clip.artifacts[VISUAL].open_tensors()
    shown = picture.rows("valid").astype(bool)
    has_sound = np.zeros(len(shown), bool)
    sound = np.zeros((len(shown), len(projection.components)), np.float32)
    if SOUND in clip.artifacts:
        heard = clip.artifacts[SOUND].open_tensors()
        valid = heard.rows("valid").astype(bool)[: len(shown)]
        has_sound[: len(valid)] = valid
        rows = project(FileRows(heard, "mel"), valid, projection, scale)
        sound = rows if len(rows) == len(shown) else _to_length(rows, len(shown))
    has_events = reads_events and EVENTS in clip.artifacts
    targets = clip.artifacts[EVENTS].json() if has_events else {}
    recording = Recording(
        name=clip.video_id,
        match=clip.group,
        key=clip.key,
        visual=FileRows(picture, "features"),
        shown=shown,
        sound=sound,
        has_sound=has_sound,
        events=moments(targets, kinds),
        others=tuple(e["file_milliseconds"] / 1000 for e in targets.get("others", ())),
        halves=halves_of(targets),
    )
    return LabelledRecording(recording, labelled_events(targets))


def load_silent(clip: Clip) -> Recording:
    """Read a recording without its features: which steps have a picture, and which have sound."""
    with clip.artifacts[VISUAL].open_tensors() as picture:
        shown = picture.rows("valid").astype(bool)
    has_sound = np.zeros(len(shown), bool)
    if SOUND in clip.artifacts:
        with clip.artifacts[SOUND].open_tensors() as heard:
            valid = heard.rows("valid").astype(bool)[: len(shown)]
        has_sound[: len(valid)] = valid
    nothing = np.zeros((len(shown), 0), np.float32)
    name = clip.video_id
    return Recording(name, clip.group, clip.key, nothing, shown, nothing, has_sound)


def moments(targets: Mapping[str, Any], kinds: Sequence[str]) -> tuple[Moment, ...]:
    """Return the highlights of a recording on the clock of its file."""
    found = [
        Moment(event["file_milliseconds"] / 1000, kinds.index(event["kind"]))
        for event in targets.get("events", ())
    ]
    return tuple(sorted(found, key=lambda moment: (moment.seconds, moment.kind)))


def labelled_events(targets: Mapping[str, Any]) -> tuple[Event, ...]:
    """Return the highlights of a recording on the clocks of its halves."""
    return tuple(
        Event(event["half"], event["milliseconds"], event["kind"], event["is_shown"])
        for event in targets.get("events", ())
    )


def halves_of(targets: Mapping[str, Any]) -> tuple[HalfStart, ...]:
    """Return where the halves begin in a file, in the order of time."""
    halves = targets.get("halves") or {"1": 0.0}
    starts = [HalfStart(int(half), float(seconds)) for half, seconds in halves.items()]
    return tuple(sorted(starts, key=lambda start: start.seconds))


def recording_halves(clip: Clip) -> tuple[HalfStart, ...]:
    """Return where the halves begin in the file of a recording, whether or not it has labels."""
    return halves_of(clip.artifacts[EVENTS].json() if EVENTS in clip.artifacts else {})


def _to_length(rows: np.ndarray, length: int) -> np.ndarray:
    """Cut rows (n, A) to the steps of the picture, or pad them with the mean."""
    padded = np.zeros((length, rows.shape[1]), np.float32)
    padded[: len(rows)] = rows[:length]
    return padded
