"""The comparison of all arms on the same clips, and the reports that read its classifiers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from unmuted.config.keys import AST, TIME, TRAINING_AUDIO
from unmuted.engine.stage import Family, Report, Stage
from unmuted.evaluation.arms import COMPARISON_ARMS
from unmuted.features.visual import VISUAL
from unmuted.systems.comparison.chosen_arms import DISTILLATION, FILTER, chosen_arms
from unmuted.systems.comparison.planned import check_report_arms, compared_runs, read_in_run
from unmuted.systems.shared.stages import CLASSIFIED, REPORTED

DEGRADED = ("missing.lost_shares", "missing.snr_db")  # levels of severity
CHOSEN_ARMS = ("comparison.arms", "cnn_rnn.split")  # settings that decide which arms are compared
# The stages that the audio of the arms comes from.
COMPARED = tuple(
    dict.fromkeys(
        [*CLASSIFIED, *(stage for arm in COMPARISON_ARMS.values() for stage in arm.stages)]
    )
)
POSTERIORS = ("video_posterior",)  # of video-only classifiers, by which filters judge clips
TEACHERS = tuple(arm.teacher for arm in COMPARISON_ARMS.values() if arm.teacher)
# What the report reads of the arms: the predictions of each, and what tells of models and fits.
_ARMS = COMPARISON_ARMS.values()
_OF_ARMS = [name for arm in _ARMS for name in (arm.predictions, *arm.features)]
_FITS_OF_ARMS = [fit for arm in _ARMS for fit in arm.fits]
_CHOICES = ("projection", "selection", "comparison_selection")


def read_for_arms(step: str) -> Callable[[Mapping[str, Any]], Collection[str]]:
    """Return a function from a configuration to the stages that a step reads for its arms."""
    return lambda config: chosen_arms(config).reads[step]


STAGES = (
    Stage(
        "degraded_ast",
        "extract_degraded",
        ".safetensors",
        inputs=("wav",),
        settings=(*TIME, *AST, *DEGRADED, "missing.seed"),
        models=("ast",),
        reads_splits=True,
    ),
    Stage(
        "swap_partners",
        "find_swap_partners",
        ".json",
        pooled=(*VISUAL, "ast"),
        settings=("missing.seed",),
        indirect_settings=TRAINING_AUDIO,
        is_sharded=False,
    ),
    Stage(
        "fold_teacher",
        "train_fold_teacher",
        ".safetensors",
        pooled=(*VISUAL, "ast"),
        fits=("projection",),
        settings=("classifier", "folds"),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        after=("sources",),
        indirect_settings=TRAINING_AUDIO,
    ),
    Stage(
        "teacher_posterior",
        "predict_teacher_posterior",
        ".safetensors",
        inputs=VISUAL,
        optional=("ast",),
        fits=("sources", "projection", "fold_teacher"),
        settings=("seeds",),
        indirect_settings=TRAINING_AUDIO,
        reads_splits=True,
    ),
    Stage(
        "comparison_classifier",
        "train_comparison",
        ".safetensors",
        pooled=(*COMPARED, *POSTERIORS, *TEACHERS),
        fits=("projection",),
        settings=("audio_dim", "classifier", *TRAINING_AUDIO),
        indirect_settings=(*FILTER, *DISTILLATION, *CHOSEN_ARMS),
        chosen=read_for_arms("comparison_classifier"),
        is_sharded=False,
        by_seed=True,
        splits=("train",),
        after=("sources",),
    ),
    Stage(
        "comparison_selection",
        "select_comparison",
        ".json",
        pooled=(*COMPARED, *POSTERIORS),
        fits=("projection", "comparison_classifier"),
        settings=("classifier", *FILTER, "missing.seed"),
        is_sharded=False,
        splits=("train", "val"),
        after=("sources",),
        indirect_settings=(*CHOSEN_ARMS, *TRAINING_AUDIO),
        chosen=read_for_arms("comparison_selection"),
    ),
    Stage(
        "comparison_predictions",
        "predict_comparison",
        ".json",
        inputs=(
            *(stage for stage in COMPARED if stage != "ast"),
            *POSTERIORS,
        ),
        optional=("ast", "degraded_ast"),
        fits=(
            *("swap_partners", "projection", "classifier", "selection"),
            *("comparison_classifier", "comparison_selection"),
        ),
        settings=(
            "classifier",
            "seeds",
            "missing.seed",
            "filter.mode",
            "filter.expectation",
            *DEGRADED,
        ),
        indirect_settings=(
            *("filter.percentiles", "filter.uniform_threshold"),
            *(*CHOSEN_ARMS, *TRAINING_AUDIO),
        ),
        chosen=read_for_arms("comparison_predictions"),
        reads_splits=True,
    ),
)
REPORTS = {
    "comparison": Report(
        "write_report",
        module="unmuted.systems.comparison.report",
        pooled=tuple(dict.fromkeys([*COMPARED, *REPORTED, *_OF_ARMS, "retrieved", "truth"])),
        fits=tuple(dict.fromkeys([*_CHOICES, *_FITS_OF_ARMS, "baselines"])),
        scenarios=compared_runs,
        in_scenarios=tuple(dict.fromkeys([*VISUAL, "ast", *_OF_ARMS])),
        chosen_in=read_in_run,
        chosen=read_for_arms("comparison"),
    ),
    "predictions": Report(
        "write_report",
        module="unmuted.systems.comparison.predictions_table",
        pooled=("wav", "predictions", "comparison_predictions"),
        fits=(),
        check=partial(check_report_arms, "predictions"),
    ),
    "arch1_metrics": Report(
        "write_report",
        module="unmuted.systems.arch1.report",
        pooled=(
            *(*CLASSIFIED, "video_generated", "predicted_labels", *REPORTED),
            *("retrieved", *POSTERIORS, "predictions", "comparison_predictions", "truth"),
        ),
        fits=("projection", "baselines", "dictionary", "selection", "comparison_selection"),
        check=partial(check_report_arms, "arch1_metrics"),
    ),
}
FAMILY = Family("comparison", STAGES, REPORTS)
