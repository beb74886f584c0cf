"""Audio-visual segmentation: pictures, sound and truth of every second, and what is made of them.

What is in the artifacts stands in `unmuted.systems.segmentation.artifacts`.
"""

from __future__ import annotations

from unmuted.config.keys import LIMITS
from unmuted.engine.stage import Family, Stage
from unmuted.systems.segmentation import network_stages

SANDBOX = ("media.sandbox",)

STAGES = (
    Stage(
        "avs_frames",
        "extract_avs_frames",
        ".safetensors",
        inputs=("probe",),
        settings=("avs.short_side", "avs.resize", "avs.frame_at"),
        indirect_settings=LIMITS,
        neutral_settings=SANDBOX,
        tools=("ffmpeg",),
        reads_source=True,
    ),
    Stage(
        "avs_audio",
        "extract_avs_audio",
        ".safetensors",
        inputs=("avs_frames",),
        optional=("wav",),
        settings=("avs.window_s", "ast.batch_size"),
        models=("ast",),
    ),
    Stage(
        "avs_truth",
        "make_avs_truth",
        ".safetensors",
        inputs=("avs_frames",),
        settings=("avs.foreground", "avs.mask_aspect", "wav.silence_db"),
        indirect_settings=("videos.follow_links",),
        reads_targets=True,
    ),
    Stage(
        "avs_boxes",
        "read_avs_boxes",
        ".json",
        inputs=("avs_frames",),
        optional=("avs_truth",),
        indirect_settings=("videos.follow_links",),
        reads_targets=True,
        reads_splits=True,
    ),
    *network_stages.STAGES,
)
EXPORTS = {
    "avs_frames.safetensors": "avs_frames",
    "avs_audio.safetensors": "avs_audio",
    "avs_truth.safetensors": "avs_truth",
    **network_stages.EXPORTS,
}
FAMILY = Family("segmentation", STAGES, network_stages.REPORTS, EXPORTS)
