"""Architecture 2: mapping captions to labels, the generator and what it generates."""

from __future__ import annotations

from unmuted.config.generator import GeneratorSettings
from unmuted.config.keys import SERVE, TIME, TRAINING_AUDIO, keys_of
from unmuted.engine.stage import Family, Report, Stage
from unmuted.evaluation.arms import MAIN_AUDIO
from unmuted.features.visual import VISUAL

# The settings that the training reads; generator.draws only matters afterwards.
GENERATOR = keys_of("generator", GeneratorSettings)

STAGES = (
    Stage(
        "mapping",
        "map_captions",
        ".json",
        inputs=("captions", "caption_embeddings"),
        fits=("label_embeddings",),
        settings=("mapping.k",),
    ),
    *(
        Stage(
            generator,
            trained_by,
            ".safetensors",
            pooled=(*VISUAL, "ast", "captions"),
            fits=("label_embeddings", "projection", "prototypes"),
            settings=("folds", *GENERATOR, *TIME),
            models=("sentence",),
            is_sharded=False,
            by_seed=True,
            splits=("train", "val"),
            all_videos_if="fits.unlabelled",
            after=("sources",),
            indirect_settings=(SERVE, *TRAINING_AUDIO),
            version=version,
        )
        for generator, trained_by, version in (
            ("generator", "train_generator", 2),
            ("null_generator", "train_null_generator", 1),
        )
    ),
    *(
        Stage(
            generated,
            made_by,
            ".safetensors",
            inputs=(*VISUAL, "captions"),
            fits=("sources", "label_embeddings", "projection", "prototypes", generator),
            settings=("generator.draws", SERVE, "seeds"),
            version=version,
            reads_splits=True,
            indirect_settings=("generator.text_adapter", *TIME, *TRAINING_AUDIO),
            models=("sentence",),
        )
        for generated, made_by, generator, version in (
            ("generated", "generate_audio", "generator", 2),
            ("null_generated", "generate_null_audio", "null_generator", 1),
        )
    ),
    Stage(
        "trained_mapping",
        "map_captions_as_trained",
        ".json",
        inputs=("mapping", "generated"),
        settings=("mapping.k",),
    ),
)
REPORTS = {
    "arch2_metrics": Report(
        "write_report",
        module="unmuted.systems.arch2.report",
        pooled=(
            *("probe", "wav", *VISUAL, "captions", "trained_mapping", *MAIN_AUDIO),
            *("retrieved", "predictions", "truth"),
        ),
        fits=("projection", "prototypes", "baselines", "selection"),
    ),
}
EXPORTS = {
    "mapping.json": "trained_mapping",
    "generated_audio.safetensors": "generated",
}
FAMILY = Family("arch2", STAGES, REPORTS, exports=EXPORTS)
