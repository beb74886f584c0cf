"""Animations of the frames that the CNN-RNN reads of a clip, with its predictions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unmuted.engine.executor import Result, Task
from unmuted.media.animation import animate
from unmuted.media.images import centre_square, decode_images
from unmuted.systems.cnn_rnn.tail_split import SORTED_TAIL

CLASSES_SHOWN = 3


def draw(tasks: Sequence[Task]) -> Iterator[Result]:
    """Make a GIF per task."""
    for task in tasks:
        tensors = task.inputs["sequence_frames"].tensors()
        if len(tensors["timestamps"]) == 0:
            yield Result(task.name, None, "no_frames", "there is no frame to be shown")
            continue
        prediction = task.inputs["cnn_rnn_predictions"].json()
        top = [(entry["label"], entry["percent"]) for entry in prediction["top"][:CLASSES_SHOWN]]
        frames = centre_square(decode_images(tensors))
        file = animate(frames, tensors["timestamps"], top, note(prediction))

        def write(path: Path, content: bytes = file) -> None:
            path.write_bytes(content)

        yield Result(task.name, write)


def note(prediction: Mapping[str, Any]) -> str:
    """Return a caveat about a clip's percentages, empty without one."""
    if prediction["trained_on"] == SORTED_TAIL:  # some class has few or no training clips
        return "(seed mode: no honest answer)"
    if prediction["learnt_from"]:
        return "(learnt from this source)"
    return "(a validation clip)" if prediction["validation"] else ""
