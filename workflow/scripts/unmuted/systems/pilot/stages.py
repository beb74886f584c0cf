"""The pilot: one LSTM for class and sound."""

from __future__ import annotations

from unmuted.config.keys import SERVE, TRAINING_AUDIO, keys_of
from unmuted.config.pilot import PilotSettings
from unmuted.engine.stage import Family, Report, Stage
from unmuted.features.visual import PILOT_VISUAL, VISUAL
from unmuted.systems.shared.stages import REPORTED

PILOT = keys_of("pilot", PilotSettings, but=("snapshots",))  # it says which checkpoints are kept

STAGES = (
    Stage(
        "pilot",
        "train_pilot",
        ".safetensors",
        pooled=(*VISUAL, "ast", *PILOT_VISUAL),
        fits=("projection",),
        settings=PILOT,
        indirect_settings=("folds", "pilot.lambdas", "pilot.snapshots", *TRAINING_AUDIO),
        is_sharded=False,
        by_seed=True,
        splits=("train", "val"),
        version=2,
        all_videos_if="fits.unlabelled",
        after=("sources",),
    ),
    Stage(
        "pilot_selection",
        "select_pilot",
        ".json",
        pooled=(*VISUAL, *PILOT_VISUAL),
        fits=("pilot",),
        is_sharded=False,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=("pilot.lambdas", "fits.unlabelled"),
    ),
    Stage(
        "pilot_generated",
        "generate_audio_with_pilot",
        ".safetensors",
        inputs=(*VISUAL, *PILOT_VISUAL),
        fits=("sources", "pilot", "pilot_selection"),
        settings=("seeds", SERVE),
        reads_splits=True,
        indirect_settings=("folds",),
        version=2,
    ),
    Stage(
        "pilot_predictions",
        "predict_pilot",
        ".json",
        inputs=(*VISUAL, *PILOT_VISUAL),
        fits=("pilot", "pilot_selection"),
        settings=("seeds",),
        reads_splits=True,
    ),
)
REPORTS = {
    "pilot_metrics": Report(
        "write_report",
        module="unmuted.systems.pilot.report",
        pooled=(
            *(*VISUAL, "ast", *PILOT_VISUAL, *REPORTED),
            *("retrieved", "pilot_generated", "pilot_predictions", "truth"),
        ),
        fits=("projection", "baselines", "pilot_selection"),
    ),
}
FAMILY = Family("pilot", STAGES, REPORTS)
