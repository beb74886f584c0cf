"""The action classifier of the main experiment: training, selection, predictions."""

from __future__ import annotations

from unmuted.config.keys import TRAINING_AUDIO
from unmuted.engine.stage import Family, Stage
from unmuted.features.visual import VISUAL
from unmuted.systems.shared.stages import CLASSIFIED

STAGES = (
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
    ),
    Stage(
        "predictions",
        "predict_classes",
        ".json",
        inputs=(*VISUAL, "generated"),
        optional=("ast",),
        fits=("projection", "classifier", "selection"),
        settings=("classifier", "seeds", "predictions.top_k"),
        reads_splits=True,
        indirect_settings=TRAINING_AUDIO,
    ),
)
EXPORTS = {
    "prediction.json": "predictions",
}
FAMILY = Family("classifier", STAGES, exports=EXPORTS)
