"""The stages of networks: what is fitted on videos with masks, masks, scores and overlays."""

from __future__ import annotations

from collections.abc import Collection

from unmuted.config.avs_training import (
    AvsMatchingSettings,
    AvsNetworkSettings,
    AvsTrainingSettings,
    CropLossSettings,
    NegativeSettings,
)
from unmuted.config.generator import VideoGeneratorSettings
from unmuted.config.keys import LIMITS, keys_of
from unmuted.engine.stage import Config, Report, Stage
from unmuted.errors import UserError
from unmuted.systems.segmentation import checkpoint_config
from unmuted.systems.segmentation.arms import ARMS, needs_generator

SEEN = ("avs_frames", "avs_audio")
TRAINED_ON = (*SEEN, "avs_truth", "avs_boxes")
NETWORK = (
    "avs.fusion",
    *keys_of("avs.network", AvsNetworkSettings),
    *keys_of("avs.training", AvsTrainingSettings),
    *keys_of("avs.negatives", NegativeSettings),
    *keys_of("avs.crop_losses", CropLossSettings),
    *keys_of("avs.matching", AvsMatchingSettings),
)
GENERATOR = keys_of("video_generator", VideoGeneratorSettings)
EXPERIMENT = ("folds", "fits.unlabelled")
BACKBONE = ("avs_backbone",)
GRID = tuple(f"avs.{key}" for key in checkpoint_config.GRID)


def trains(config: Config) -> bool:
    """Return whether networks are trained in this run."""
    return config["avs"]["checkpoint"] is None


def reads_generator(config: Config) -> bool:
    """Return whether audio is generated for some arm, condition or video."""
    avs = config["avs"]
    return needs_generator(avs["arms"], avs["conditions"]) or avs["fill_missing"] == "generated"


def reads_boxes(config: Config) -> bool:
    """Return whether some arm is trained on boxes."""
    return any(ARMS[name].trains_on_boxes for name in config["avs"]["arms"])


def read_by_networks(config: Config) -> Collection[str]:
    """Return the stages that training and choosing read."""
    generator = ("avs_generator",) if reads_generator(config) else ()
    boxes = ("avs_boxes",) if reads_boxes(config) else ()
    return (*SEEN, "avs_truth", *boxes, "avs_space", "avs", *generator)


def read_for_masks(config: Config) -> Collection[str]:
    """Return the stages that masks are made from; no truth is among them."""
    if not trains(config):
        return SEEN
    generated = config["avs"]["fill_missing"] == "generated" or needs_generator(
        [config["avs"]["arm"]], ()
    )
    generator = ("avs_generator",) if generated else ()
    return (*SEEN, "avs_space", "avs", "avs_selection", *generator)


def read_for_scores(config: Config) -> Collection[str]:
    """Return the stages that test clips are scored from."""
    if not trains(config):
        return (*SEEN, "avs_truth", "avs_partners")
    generator = ("avs_generator",) if reads_generator(config) else ()
    bank = ("avs_bank",) if "knn" in config["avs"]["conditions"] else ()
    fits = ("avs_space", "avs", "avs_selection", "avs_partners")
    return (*SEEN, "avs_truth", *fits, *generator, *bank)


def read_for_report(config: Config) -> Collection[str]:
    """Return the stages that the report reads; of ready networks, no fits."""
    fits = ("avs", "avs_selection") if trains(config) else ()
    return (*SEEN, "avs_truth", "avs_scores", *fits)


def check_trained(config: Config) -> None:
    """Raise UserError unless this run trains its networks."""
    if not trains(config):
        raise UserError(
            "results/avs_model holds the networks that a run trains: set avs.checkpoint to null, "
            "and give the videos masks (docs/segmentation.md)"
        )


STAGES = (
    Stage(
        "avs_space",
        "fit_avs_space",
        ".safetensors",
        pooled=SEEN,
        settings=("audio_dim",),
        indirect_settings=("fits.unlabelled",),
        is_sharded=False,
        splits=("train",),
    ),
    Stage(
        "avs_bank",
        "build_avs_bank",
        ".safetensors",
        pooled=SEEN,
        indirect_settings=("fits.unlabelled",),
        models=BACKBONE,
        is_sharded=False,
        splits=("train",),
    ),
    Stage(
        "avs_generator",
        "train_avs_generator",
        ".safetensors",
        pooled=SEEN,
        fits=("avs_space",),
        settings=("avs.window_s", *GENERATOR),
        indirect_settings=EXPERIMENT,
        models=BACKBONE,
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),
    ),
    Stage(
        "avs",
        "train_avs",
        ".safetensors",
        pooled=TRAINED_ON,
        fits=("avs_space", "avs_generator"),
        settings=("avs.window_s", "avs.arms", *NETWORK),
        indirect_settings=EXPERIMENT,
        models=BACKBONE,
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        chosen=read_by_networks,
    ),
    Stage(
        "avs_selection",
        "select_avs",
        ".json",
        pooled=(*SEEN, "avs_truth"),
        fits=("avs_space", "avs_generator", "avs"),
        settings=("avs.window_s", "avs.arms", "avs.threshold_slack"),
        indirect_settings=EXPERIMENT,
        models=BACKBONE,
        is_sharded=False,
        splits=("train", "val"),
        chosen=read_by_networks,
        version=2,
    ),
    Stage(
        "avs_partners",
        "find_avs_partners",
        ".json",
        pooled=(*SEEN, "avs_truth"),
        settings=("missing.seed",),
        indirect_settings=("fits.unlabelled",),
        is_sharded=False,
        splits=("test",),
    ),
    Stage(
        "avs_masks",
        "predict_avs_masks",
        ".safetensors",
        inputs=SEEN,
        fits=("avs_space", "avs_generator", "avs", "avs_selection"),
        settings=(
            *("avs.arm", "avs.silence", "avs.fill_missing", "avs.checkpoint", "wav.silence_db"),
            *(*GRID, "seeds"),
        ),
        models=(*BACKBONE, "ast"),
        chosen=read_for_masks,
    ),
    Stage(
        "avs_scores",
        "score_avs",
        ".safetensors",
        inputs=(*SEEN, "avs_truth"),
        fits=("avs_space", "avs_bank", "avs_generator", "avs", "avs_selection", "avs_partners"),
        settings=("avs.conditions", "avs.neighbours", "avs.checkpoint", *GRID, "seeds"),
        models=(*BACKBONE, "ast"),
        reads_splits=True,
        chosen=read_for_scores,
    ),
    Stage(
        "avs_overlays",
        "draw_avs_overlay",
        ".mp4",
        inputs=("probe", "avs_frames", "avs_masks"),
        settings=("wav.languages",),
        indirect_settings=LIMITS,
        neutral_settings=("media.sandbox",),
        tools=("ffmpeg",),
        reads_source=True,
    ),
    Stage("avs_mask_files", "write_avs_masks", ".zip", inputs=("avs_frames", "avs_masks")),
    Stage("avs_tables", "write_avs_table", ".csv", inputs=("avs_frames", "avs_masks")),
)
EXPORTS = {
    "sounding.mp4": "avs_overlays",
    "masks.zip": "avs_mask_files",
    "sounding.csv": "avs_tables",
}
REPORTS = {
    "avs": Report(
        "write_report",
        module="unmuted.systems.segmentation.report",
        pooled=(*SEEN, "avs_truth", "avs_scores"),
        fits=("avs", "avs_selection"),
        chosen=read_for_report,
    ),
    "avs_model": Report(
        "write_report",
        module="unmuted.systems.segmentation.model_export",
        pooled=SEEN,
        fits=("avs_space", "avs", "avs_selection"),
        check=check_trained,
    ),
    "avs_masks": Report(
        "write_report",
        module="unmuted.systems.segmentation.all_masks",
        pooled=("avs_tables",),
        fits=(),
    ),
}
