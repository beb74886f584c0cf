"""The stages of what a user gets of a match: its highlights, their timeline and a reel."""

from __future__ import annotations

from unmuted.config.keys import LIMITS, keys_of
from unmuted.config.reel import ReelSection
from unmuted.engine.stage import Stage, UnitExport

# Files, and the keys of an artifact under which their texts stand.
TABLE, PREDICTIONS, METRICS = "highlights.csv", "results_spotting.json", "metrics.json"
FOUND = (
    "steps.rate",
    "matches.kinds",
    "highlights.method",
    "highlights.arm",
    "highlights.spotter.path",
)

STAGES = (
    Stage(
        "match_highlights",
        "pick_highlights",
        ".json",
        version=4,
        inputs=("events", "spots"),
        optional=("step_sound",),
        settings=(*FOUND, *keys_of("highlights.reel", ReelSection)),
        per_unit=True,
    ),
    Stage(
        "timelines",
        "draw_timeline",
        ".png",
        version=2,
        inputs=("events", "spots", "match_highlights"),
        optional=("step_sound",),
        settings=FOUND,
        per_unit=True,
    ),
    Stage(
        "reels",
        "cut_reel",
        ".mp4",
        version=2,
        inputs=("probe", "match_highlights"),
        optional=("step_sound",),
        settings=("wav.languages",),
        indirect_settings=LIMITS,
        neutral_settings=("media.sandbox",),
        tools=("ffmpeg",),
        reads_source=True,
        per_unit=True,
    ),
)
UNIT_EXPORTS = {
    **{name: UnitExport("match_highlights", name) for name in (TABLE, PREDICTIONS)},
    METRICS: UnitExport("match_highlights", METRICS, needs="labelled events"),
    "timeline.png": UnitExport("timelines"),
    "reel.mp4": UnitExport("reels"),
}
