"""Match highlights: events, the steps of picture and sound, and what is made of them."""

from __future__ import annotations

from unmuted.config.keys import LIMITS, keys_of
from unmuted.config.matches import StepSoundSettings
from unmuted.engine.stage import Family, Stage
from unmuted.systems.highlights import reel_stages, spotting_stages

SANDBOX = ("media.sandbox",)
SOUND = keys_of("steps.sound", StepSoundSettings)

STAGES = (
    Stage(
        "events",
        "read_events",
        ".json",
        version=2,
        inputs=("probe",),
        reads_targets=True,
    ),
    Stage(
        "step_visual",
        "see_match",
        ".safetensors",
        inputs=("probe",),
        settings=("steps.rate", "steps.image_size", "steps.batch_size"),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        models=("step_backbone",),
        tools=("ffmpeg",),
        reads_source=True,
    ),
    Stage(
        "step_sound",
        "hear_match",
        ".safetensors",
        inputs=("probe",),
        settings=("steps.rate", *SOUND, "wav.silence_db", "wav.languages"),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
    ),
    *spotting_stages.STAGES,
    *reel_stages.STAGES,
)
EXPORTS = {
    "events.json": "events",
    "step_visual.safetensors": "step_visual",
    "step_sound.safetensors": "step_sound",
}
FAMILY = Family("highlights", STAGES, spotting_stages.REPORTS, EXPORTS, reel_stages.UNIT_EXPORTS)
