"""The action classifier of the main experiment: training, selection, predictions."""

from __future__ import annotations

from unmuted.config.keys import TIME, TRAINING_AUDIO
from unmuted.engine.stage import Family, Stage
from unmuted.features.visual import VISUAL
from unmuted.systems.shared.stages import CLASSIFIED

STAGES = (
    Stage(
        "fold_classifier",
        "train_fold_classifier",
        ".safetensors",
        pooled=VISUAL,
        settings=("classifier", "folds"),
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=("fits.unlabelled",),
    ),
    Stage(
        "video_posterior",
        "predict_video_posterior",
        ".safetensors",
        inputs=VISUAL,
        fits=("sources", "fold_classifier"),
        settings=("seeds",),
        indirect_settings=("fits.unlabelled",),
        reads_splits=True,
    ),
    Stage(
        "class_sound",
        "average_class_sound",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("folds", *TIME),
        is_sharded=False,
        splits=("train",),
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "expected_sound",
        "expect_class_sound",
        ".safetensors",
        inputs=(*VISUAL, "video_posterior"),
        fits=("sources", "class_sound"),
        indirect_settings=("fits.unlabelled",),
        reads_splits=True,
    ),
    Stage(
        "classifier",
        "train_classifier",
        ".safetensors",
        pooled=CLASSIFIED,
        fits=("projection",),
        settings=("classifier",),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
        version=2,
    ),
    Stage(
        "selection",
        "select_classifier",
        ".json",
        pooled=CLASSIFIED,
        fits=("projection", "classifier"),
        settings=("classifier",),
        is_sharded=False,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
        version=2,
    ),
    Stage(
        "predictions",
        "predict_classes",
        ".json",
        inputs=tuple(stage for stage in CLASSIFIED if stage != "ast"),
        optional=("ast",),
        fits=("projection", "classifier", "selection"),
        settings=("classifier", "seeds", "predictions.top_k"),
        reads_splits=True,
        indirect_settings=TRAINING_AUDIO,
        version=2,
    ),
)
EXPORTS = {
    "prediction.json": "predictions",
}
FAMILY = Family("classifier", STAGES, exports=EXPORTS)
