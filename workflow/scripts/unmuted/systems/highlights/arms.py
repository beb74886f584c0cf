"""The arms of spotting: what each reads of a match, and what is in place of missing sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

VIDEO_ONLY, AUDIO_ONLY, BOTH = "video_only", "audio_only", "both"
LOUDNESS = "loudness"
READY = "ready_spotter"  # trained before, with whatever it was trained with


@dataclass(frozen=True)
class SpottingArm:
    """An arm. imputation: what is in place of missing sound; None: the training mean, untrained.

    An arm with an imputation is trained with it in place of the sound of some sequences.
    """

    name: str
    reads_visual: bool = True
    reads_sound: bool = True
    imputation: str | None = None

    @property
    def train(self) -> str:
        """Say in words which sound it is trained on."""
        if not self.reads_sound:
            return "none"
        if self.imputation is None:
            return "real; training mean where there is none"
        return f"real, and {WORDS[self.imputation]} for a share of the sequences"

    @property
    def test(self) -> str:
        """Say in words which sound it reads of test matches."""
        if not self.reads_sound:
            return "none"
        return f"real; {WORDS[self.imputation or 'mean']} where it is missing"


WORDS = {
    "mean": "training mean",
    "knn": "sound of steps of other training matches that look alike",
    "generated": "sound generated from the picture, of training matches out of fold",
    "swapped": "sound of another training match",
}
ARMS = {
    arm.name: arm
    for arm in (
        SpottingArm(VIDEO_ONLY, reads_sound=False),
        SpottingArm(AUDIO_ONLY, reads_visual=False),
        SpottingArm(BOTH),
        *(SpottingArm(f"{name}_audio", imputation=name) for name in WORDS),
    )
}
CONDITIONS = ("real", "no_stream", "silence", "noise", "swapped", "dropout")


def imputations_of(arms: Sequence[str]) -> list[str]:
    """Return the imputations that these arms read, each once."""
    found = (ARMS[name].imputation for name in arms)
    return list(dict.fromkeys(name for name in found if name is not None))


def conditions_of(arm: SpottingArm, kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the conditions of sound that change what an arm reads, the real sound first."""
    return ("real", *kinds, "dropout") if arm.reads_sound else ("real",)
