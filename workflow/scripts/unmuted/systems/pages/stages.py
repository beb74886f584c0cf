"""The stages of the pages of videos: copies for the player, the preview's sound, and the pages."""

from __future__ import annotations

from unmuted.config.keys import LIMITS, TIME, TRAINING_AUDIO
from unmuted.engine.stage import Family, Report, Stage
from unmuted.features.visual import VISUAL
from unmuted.systems.pages.shown import FITS_OF_SYSTEM, OF_SYSTEM, shown_stages

SIZE = ("report.preview_side", "report.preview_seconds")
STAGES = (
    Stage(
        "clip_copies",
        "copy_clips",
        ".mp4",
        inputs=("probe",),
        settings=(*SIZE, "wav.languages", "report.pages"),
        indirect_settings=LIMITS,
        neutral_settings=("media.sandbox",),
        tools=("ffmpeg",),
        reads_source=True,
        reads_splits=True,
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
        tools=("ffmpeg",),
        reads_splits=True,
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
        indirect_settings=("filter",),
        chosen=shown_stages,
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
