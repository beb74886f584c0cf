"""The built-in world (videos.source: demo): its clips and what is true of them."""

from __future__ import annotations

from unmuted.config.keys import TIME, WORLD
from unmuted.engine.stage import Family, Stage

STAGES = (
    Stage(
        "clips",
        "make_clips",
        ".mp4",
        indirect_settings=WORLD,
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
