"""The built-in worlds: clips and what is true of them, and recordings of matches."""

from __future__ import annotations

from unmuted.config.keys import TIME, WORLD, WORLDS
from unmuted.engine.stage import Family, Stage

STAGES = (
    Stage(
        "clips",
        "make_clips",
        ".mp4",
        indirect_settings=WORLDS,
        tools=("ffmpeg",),
        reads_specification=True,
    ),
    Stage(
        "truth",
        "make_truth",
        ".json",
        settings=TIME,
        indirect_settings=WORLD,
        reads_specification=True,
    ),
)
FAMILY = Family("demo", STAGES)
