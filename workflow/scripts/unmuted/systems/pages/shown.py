"""Which stages the pages of videos show under a configuration.

Imported by the Snakefile, so free of torch, numpy and pandas.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

# Stages of features that all systems of clips read.
FEATURES = ("frames", "flow", "representative_frames", "captions", "wav", "ast")
# The stage of the preview's sound, which follows the generated audio of architecture 2.
PREVIEWS = "sound_previews"
# Which videos are selected; shapes nothing of what is made of one that is.
SELECTION = "report.pages"
OF_SYSTEM: Mapping[str, tuple[str, ...]] = {
    "arch2": (*FEATURES, "trained_mapping", "generated", PREVIEWS, "predictions"),
    "arch1": (
        *FEATURES,
        "video_generated",
        "predicted_labels",
        "video_posterior",
        "comparison_predictions",
    ),
    "pilot": (*FEATURES, "pilot_predictions"),
    "cnn_rnn": ("wav", "cnn_rnn_predictions"),
    "comparison": (*FEATURES, "predictions", "comparison_predictions"),
    "highlights": ("events",),
    "segmentation": (
        *("wav", "avs_frames", "avs_masks", "avs_tables"),
        *("avs_overlays", "overlay_copies"),
    ),
}
# What the page of a match shows; of the first three, what became of each recording alone.
OF_MATCH = (
    *("step_visual", "step_sound", "spots"),
    *("probe", "events", "match_highlights", "timelines", "reels", "reel_copies"),
)
# Fits that say where the bound of architecture 1's filter lies.
FITS_OF_SYSTEM: Mapping[str, tuple[str, ...]] = {"arch1": ("comparison_selection",)}


def shown_systems(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the systems that a run's report shows: those named, or the main one of its videos."""
    if named := tuple(config["report"]["systems"]):
        return named
    if config["videos"]["source"] == "matches":
        return ("highlights",)
    is_of_masks = config["videos"]["source"] == "demo"
    is_of_masks &= config["videos"]["demo"]["kind"] == "segmentation"
    is_of_masks |= config["avs"]["checkpoint"] is not None
    return ("segmentation",) if is_of_masks else ("arch2",)


def shown_stages(config: Mapping[str, Any]) -> Collection[str]:
    """Return the stages that a page reads, besides the copy of the video."""
    systems = shown_systems(config)
    stages = [stage for system in systems for stage in OF_SYSTEM[system]]
    fits = [fit for system in systems for fit in FITS_OF_SYSTEM.get(system, ())]
    return dict.fromkeys(["probe", "clip_copies", *stages, *fits])
