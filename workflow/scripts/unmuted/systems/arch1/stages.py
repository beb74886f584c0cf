"""Architecture 1: its generator, its semantic dictionary and the labels of its audio."""

from __future__ import annotations

from unmuted.config.keys import SERVE, TIME, TRAINING_AUDIO
from unmuted.engine.stage import Family, Report, Stage
from unmuted.features.visual import VISUAL

STAGES = (
    Stage(
        "video_generator",
        "train_video_generator",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("folds", "video_generator", *TIME),
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=(SERVE, *TRAINING_AUDIO),
        version=2,
    ),
    Stage(
        "video_generated",
        "generate_audio_from_video",
        ".safetensors",
        inputs=VISUAL,
        fits=("sources", "projection", "video_generator"),
        settings=("seeds", SERVE),
        reads_splits=True,
        indirect_settings=TIME,
        version=2,
    ),
    Stage(
        "dictionary",
        "build_dictionary",
        ".safetensors",
        settings=("filter.null_dictionaries", "filter.mode"),
        models=("sentence",),
        is_sharded=False,
        version=2,
    ),
    Stage(
        "predicted_labels",
        "predict_labels",
        ".safetensors",
        inputs=(*VISUAL, "video_generated"),
        optional=("ast",),
        fits=("projection", "dictionary"),
        settings=("filter.top_labels",),
        models=("ast",),
        reads_splits=True,
        indirect_settings=TRAINING_AUDIO,
        version=2,
    ),
)
REPORTS = {
    "semantic_dictionary": Report(
        "write_report",
        module="unmuted.systems.arch1.dictionary_table",
        pooled=(),
        fits=("dictionary",),
    ),
}
FAMILY = Family("arch1", STAGES, REPORTS)
