"""From video files to frames, timelines, flow, sound and representative frames."""

from __future__ import annotations

from unmuted.config.keys import LIMITS, TIME, keys_of
from unmuted.config.media import FlowSettings, WavSettings
from unmuted.engine.stage import Family, Stage

SANDBOX = ("media.sandbox",)
STAGES = (
    Stage(
        "probe",
        "probe_videos",
        ".json",
        settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
        version=3,
    ),
    Stage(
        "frames",
        "extract_frames",
        ".safetensors",
        inputs=("probe",),
        settings=(*TIME, "frames.short_side", "frames.sampling"),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
        version=2,
    ),
    Stage(
        "sequence_frames",
        "extract_sequence_frames",
        ".safetensors",
        inputs=("probe",),
        settings=("cnn_rnn.sequence_length", "cnn_rnn.sampling", "frames.short_side"),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
        version=2,
    ),
    Stage(
        "timeline_frames",
        "extract_timeline_frames",
        ".safetensors",
        inputs=("probe",),
        settings=("timeline.fps", "timeline.short_side"),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
        version=2,
    ),
    Stage(
        "wav",
        "extract_wav",
        ".wav",
        inputs=("probe",),
        settings=keys_of("wav", WavSettings),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
        version=3,
    ),
    Stage(
        "flow",
        "compute_flow",
        ".safetensors",
        inputs=("frames",),
        settings=keys_of("flow", FlowSettings),
    ),
    Stage(
        "representative_frames",
        "find_representative_frames",
        ".json",
        inputs=("frames",),
        settings=("representative_frames.ratio",),
    ),
)
EXPORTS = {
    "frames.safetensors": "frames",
    "flow.safetensors": "flow",
    "timeline_frames.safetensors": "timeline_frames",
    "audio.wav": "wav",
    "representative_frames.json": "representative_frames",
}
FAMILY = Family("media", STAGES, exports=EXPORTS)
