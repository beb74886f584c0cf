"""Stages that several systems read: source groups, the projection, prototypes, retrieval."""

from __future__ import annotations

from unmuted.config.keys import TIME, TRAINING_AUDIO
from unmuted.engine.stage import Family, Stage
from unmuted.evaluation.arms import MAIN_AUDIO
from unmuted.features.visual import VISUAL

CLASSIFIED = (*VISUAL, *MAIN_AUDIO)
REPORTED = ("probe", "wav", "captions")  # the status of clips, and the models behind their features

STAGES = (
    Stage(
        "sources",
        "join_sources",
        ".json",
        pooled=VISUAL,
        settings=("folds", "fits.unlabelled"),
        is_sharded=False,
        by_split=True,
    ),
    Stage(
        "projection",
        "fit_projection",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        settings=("audio_dim", *TRAINING_AUDIO),
        is_sharded=False,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
    ),
    Stage(
        "prototypes",
        "fit_prototypes",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("folds", "prototypes.min_weight"),
        models=("ast",),
        is_sharded=False,
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "baselines",
        "fit_baselines",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("ridge.penalties", *TIME),
        is_sharded=False,
        splits=("train", "val"),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "lookup_set",
        "list_lookup_set",
        ".json",
        pooled=(*VISUAL, "ast"),
        splits=("train",),
        all_videos_if="fits.unlabelled",
        after=("sources",),
        settings=("folds",),
        indirect_settings=TRAINING_AUDIO,
        is_sharded=False,
    ),
    Stage(
        "retrieved",
        "retrieve_audio",
        ".safetensors",
        inputs=VISUAL,
        fits=("sources", "projection", "lookup_set"),
        settings=("retrieval.k",),
        indirect_settings=TIME,
        reads_splits=True,
    ),
)
FAMILY = Family("shared", STAGES)
