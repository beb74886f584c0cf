"""Which seconds are marked, by what is known of their sound alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Of a second. `hypothetical`: without sound, from generated audio.
SOUNDS, SILENT, NO_STREAM, HYPOTHETICAL = "ok", "silent", "no_stream", "hypothetical"
STATUSES = (SOUNDS, SILENT, NO_STREAM, HYPOTHETICAL)
# What is written on the pictures of a second.
NOTES = {SILENT: "no sound", NO_STREAM: "no sound", HYPOTHETICAL: "hypothetical"}


@dataclass(frozen=True)
class MarkingRule:
    """What is done with seconds without sound; see the section `avs` of the configuration.

    marks_silence: whether the network decides of silent seconds, too. fills_missing: whether the
    masks of videos without a stream come from generated audio.
    """

    marks_silence: bool
    fills_missing: bool
    silence_db: float

    def statuses(self, has_audio: np.ndarray, rms_db: np.ndarray) -> list[str]:
        """Return the status of each second."""
        quiet = np.where(rms_db < self.silence_db, SILENT, SOUNDS)
        missing = HYPOTHETICAL if self.fills_missing else NO_STREAM
        return np.where(has_audio, quiet, missing).tolist()

    def is_empty(self, status: str) -> bool:
        """Return whether nothing is marked, whatever the network says."""
        return status == NO_STREAM or (status == SILENT and not self.marks_silence)
