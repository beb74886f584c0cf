"""What pre-trained models make of frames, flow and sound: features, captions, embeddings."""

from __future__ import annotations

from unmuted.config.features import CaptionSettings
from unmuted.config.keys import AST, TIME, VIT, keys_of
from unmuted.engine.stage import Family, Stage

STAGES = (
    Stage(
        "vit_rgb", "extract_vit", ".safetensors", inputs=("frames",), settings=VIT, models=("vit",)
    ),
    Stage(
        "vit_flow", "extract_vit", ".safetensors", inputs=("flow",), settings=VIT, models=("vit",)
    ),
    Stage(
        "ast",
        "extract_ast",
        ".safetensors",
        inputs=("wav",),
        settings=(*TIME, *AST),
        models=("ast",),
    ),
    Stage(
        "cnn_rgb",
        "extract_cnn",
        ".safetensors",
        inputs=("frames",),
        settings=("cnn.batch_size",),
        models=("pilot_backbone",),
    ),
    Stage(
        "cnn_flow",
        "extract_cnn",
        ".safetensors",
        inputs=("flow",),
        settings=("cnn.batch_size",),
        models=("pilot_backbone",),
    ),
    Stage(
        "cnn_sequence",
        "extract_cnn_sequence",
        ".safetensors",
        inputs=("sequence_frames",),
        settings=("cnn.batch_size", "cnn_rnn.image_size"),
        models=("cnn_rnn_backbone",),
    ),
    Stage(
        "timeline_cnn",
        "extract_timeline_cnn",
        ".safetensors",
        inputs=("timeline_frames",),
        settings=("cnn.batch_size",),
        models=("pilot_backbone",),
    ),
    Stage(
        "captions",
        "caption_frames",
        ".json",
        inputs=("frames", "representative_frames"),
        settings=keys_of("captions", CaptionSettings),
        models=("blip",),
    ),
    Stage(
        "caption_embeddings",
        "embed_captions",
        ".safetensors",
        inputs=("captions",),
        models=("sentence",),
    ),
    Stage(
        "label_embeddings",
        "embed_labels",
        ".safetensors",
        models=("sentence",),
        is_sharded=False,
        reads_videos=False,  # else a new video would have the captions of all shards mapped again
    ),
)
EXPORTS = {
    "timeline_cnn.safetensors": "timeline_cnn",
    "vit_rgb.safetensors": "vit_rgb",
    "vit_flow.safetensors": "vit_flow",
    "ast.safetensors": "ast",
    "captions.json": "captions",
}
FAMILY = Family("features", STAGES, exports=EXPORTS)
