"""The stages of the pages of videos: copies for the player, the preview's sound, and the pages."""

from __future__ import annotations

from unmuted.config.keys import LIMITS, TIME, TRAINING_AUDIO
from unmuted.engine.stage import Config, Family, Report, Stage
from unmuted.features.visual import VISUAL
from unmuted.systems.pages.shown import (
    FITS_OF_SYSTEM,
    OF_MATCH,
    OF_SYSTEM,
    SELECTION,
    shown_stages,
)

SANDBOX = ("media.sandbox",)
SIZE = ("report.preview_side", "report.preview_seconds")


def _nothing(config: Config) -> tuple[str, ...]:
    """Return what a copy reads besides its inputs where labels are missing."""
    return ()


STAGES = (
    Stage(
        "clip_copies",
        "copy_clips",
        ".mp4",
        inputs=("probe",),
        settings=(*SIZE, "wav.languages"),
        indirect_settings=(*LIMITS, SELECTION),
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
        reads_splits=True,
        without_labels=_nothing,
        version=2,
    ),
    Stage(
        "overlay_copies",
        "copy_overlays",
        ".mp4",
        inputs=("avs_overlays",),
        settings=SIZE,
        indirect_settings=(SELECTION,),
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_splits=True,
        without_labels=_nothing,
    ),
    Stage(
        "sound_library",
        "list_sound_library",
        ".safetensors",
        pooled=(*VISUAL, "ast", "wav"),
        fits=("projection",),
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
        is_sharded=False,
    ),
    Stage(
        "sound_previews",
        "preview_sound",
        ".safetensors",
        inputs=("probe", "clip_copies", *VISUAL, "generated"),
        optional=("ast",),
        fits=("sources", "projection", "prototypes", "sound_library"),
        settings=SIZE,
        indirect_settings=(*TIME, *TRAINING_AUDIO),
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_splits=True,
        version=2,
    ),
    Stage(
        "pages",
        "draw_pages",
        ".html",
        optional=tuple(
            dict.fromkeys(
                ["probe", "clip_copies", *(name for names in OF_SYSTEM.values() for name in names)]
            )
        ),
        fits=tuple(name for names in FITS_OF_SYSTEM.values() for name in names),
        settings=("report.preview_seconds", "frames.sampling"),
        indirect_settings=("filter", "avs.checkpoint"),
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        chosen=shown_stages,
        reads_splits=True,
        keeps_splits=True,
        shows_labels=True,
        without_labels=shown_stages,
        version=5,
    ),
    Stage(
        "reel_copies",
        "copy_reels",
        ".mp4",
        inputs=("reels",),
        settings=("report.preview_side",),
        indirect_settings=(SELECTION,),
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        per_unit=True,
        reads_splits=True,
        without_labels=_nothing,
    ),
    Stage(
        "match_pages",
        "draw_match_pages",
        ".html",
        optional=OF_MATCH,
        indirect_settings=(SELECTION,),
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        per_unit=True,
        reads_splits=True,
        without_labels=lambda config: OF_MATCH,
        version=2,
    ),
)
REPORTS = {
    "preview_quality": Report(
        "write_report",
        module="unmuted.systems.pages.quality",
        pooled=("probe", *VISUAL, "captions", "ast", "generated"),
        fits=("projection", "sound_library"),
    ),
}
FAMILY = Family("pages", STAGES, REPORTS)
