"""What a person should know of a video before all else: what failed, and what has read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from unmuted.engine.ledger import OK, LedgerEntry
from unmuted.site.sections import Notice
from unmuted.systems.pages.predicted import PREDICTING, TRAINED_ON, Arm

VALIDATION = "val"
_GENERATED = ("generated", "video_generated", "sound_previews")
_SEGMENTED = ("avs_masks", "avs_tables", "avs_overlays")


def notices(
    rows: Mapping[str, LedgerEntry],
    shown: Collection[str],
    arms: Sequence[Arm],
    split: str | None,
    trains_networks: bool,
) -> list[Notice]:
    """Return the notices of a page.

    shown: stages of which it shows an artifact. arms: that it shows. split: of the video.
    trains_networks: whether this run has fitted those that mark what sounds.
    """
    shown = shown if trains_networks else set(shown).difference(_SEGMENTED)
    found = []
    probe, wav = rows.get("probe"), rows.get("wav")
    if probe is not None and not probe.has_artifact:
        reason = f"{probe.status} {probe.reason}".strip()
        found.append(Notice(f"This video could not be used: {reason}", "caution"))
    if wav is not None and wav.status != OK and probe is not None and probe.has_artifact:
        found.append(Notice(f"No usable sound: {wav.status} {wav.reason}".strip()))
    if split == TRAINED_ON:
        found.append(Notice(" ".join(["This is a training clip.", *_of_training(shown)])))
    elif split == VALIDATION:
        found.append(Notice(" ".join(["This is a validation clip.", *_of_validation(shown)])))
    if split != TRAINED_ON and (trained := [arm.name for arm in arms if arm.is_trained_on]):
        names = ", ".join(trained)
        found.append(Notice(f"Not judged, since fitted to this clip or its source: {names}"))
    return found


def _of_training(shown: Collection[str]) -> list[str]:
    """Return what was fitted on a training clip, of what its page shows."""
    said = []
    if set(PREDICTING).intersection(shown):
        said.append(
            "The classifiers were fitted on it and its label: no arm is called right or wrong."
        )
    if set(_GENERATED).intersection(shown):
        said.append(
            "Its generated audio is by generators that were fitted without its source group. The "
            "projection of all audio features was fitted on the usable sound of all training "
            "clips, its own included where it has any."
        )
    if "sound_previews" in shown:
        said.append(
            "So were the prototypes of labels. The sounds that previews play are those of training "
            "clips; its own source is left out of them here."
        )
    if "video_posterior" in shown:
        said.append(
            "The class probabilities that the filter uses are by classifiers that were fitted "
            "without its source group."
        )
    if set(_SEGMENTED).intersection(shown):
        said.append("The networks that mark what sounds were fitted on it.")
    return said


def _of_validation(shown: Collection[str]) -> list[str]:
    """Return what was chosen on a validation clip, of what its page shows."""
    chosen = []
    if set(PREDICTING).intersection(shown):
        chosen.append("the checkpoints of the classifiers")
    if set(_GENERATED).intersection(shown):
        chosen.append("the checkpoints of the generators")
    if "comparison_predictions" in shown:
        chosen.append("the bound of the filter")
    if set(_SEGMENTED).intersection(shown):
        chosen.append("the checkpoints of the networks that mark what sounds")
    if not chosen:
        return []
    return [
        f"Chosen on validation clips, this one included: {', '.join(chosen)}. What is right here "
        "says less than on a test clip."
    ]
